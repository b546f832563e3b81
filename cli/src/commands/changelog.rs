//! `towpath changelog`: of a deployment, or of a release in an environment, asked from the server;
//! of a range, in [`range`].

mod deployment;
mod range;
mod release;
mod shape;

use serde_json::Value;
use versioning::changelog::{Bundle, Changelog};

use super::Scene;
use crate::args;
use crate::failure::Failure;
use crate::output::{self, Format};

pub(super) async fn run(scene: &Scene, it: args::Changelog) -> Result<(), Failure> {
    let subject = it.subject.as_str();
    if it.is_range() {
        if it.environment.is_some() {
            let what = format!("`{subject}` is a range of commits, which goes to no environment");
            return Err(Failure::usage("no-release", what)
                .fix("leave --environment out, or name a release"));
        }
        return range::run(scene, subject, it.repo.as_deref());
    }
    if it.repo.is_some() {
        let what = format!("`{subject}` is no range, and --repo says where a range is looked up");
        return Err(Failure::usage("no-range", what).fix(
            "write `A..B`, or leave --repo out to ask the server about a deployment or a release",
        ));
    }
    if it.is_release() {
        return release::run(scene, it.subject, it.environment.unwrap_or_default()).await;
    }
    deployment::run(scene, it.subject).await
}

/// What can be laid out for readers of every kind.
trait Page {
    fn markdown(&self) -> String;
    fn html(&self) -> String;
    fn text(&self) -> String;
}

impl Page for Changelog {
    fn markdown(&self) -> String {
        Self::markdown(self)
    }

    fn html(&self) -> String {
        Self::html(self)
    }

    fn text(&self) -> String {
        Self::text(self)
    }
}

impl Page for Bundle {
    fn markdown(&self) -> String {
        Self::markdown(self)
    }

    fn html(&self) -> String {
        Self::html(self)
    }

    fn text(&self) -> String {
        Self::text(self)
    }
}

/// Prints it as it was asked for.
fn print(scene: &Scene, it: &impl Page, shape: impl FnOnce() -> Value) -> Result<(), Failure> {
    match scene.output {
        Format::Json => output::json(&shape()),
        Format::Markdown => output::raw(it.markdown().trim_end()),
        Format::Html => output::raw(it.html().trim_end()),
        Format::Text | Format::Github => output::line(it.text().trim_end()),
    }
}

/// An answer that this program cannot read.
fn unreadable(why: &proto::found::Invalid) -> Failure {
    Failure::refused("unreadable-answer", format!("the server answered: {why}"))
        .fix("use a program of the server's version")
}
