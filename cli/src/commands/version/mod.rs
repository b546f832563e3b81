//! `towpath version`.

mod compute;
mod facts;
mod label;
mod origin;
mod shape;

use super::Scene;
use crate::args;
use crate::failure::Failure;

/// As one word of a shell.
pub(super) fn quoted(text: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "/._-+@:".contains(it);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

pub(super) async fn run(scene: &Scene, version: args::Version) -> Result<(), Failure> {
    match version {
        args::Version::Compute(asked) => compute::run(scene, asked).await,
        args::Version::Label { title } => label::run(scene, &title),
    }
}
