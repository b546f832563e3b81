//! `towpath changelog`: of a deployment, asked from the server; of a range, in [`range`].

mod range;

use proto::changelog::v1 as pb;
use serde_json::{Value, json};
use service::time;

use super::Scene;
use crate::args;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(scene: &Scene, it: args::Changelog) -> Result<(), Failure> {
    if it.is_range() {
        return range::run(scene, &it.subject, it.repo.as_deref());
    }
    if it.repo.is_some() {
        return Err(Failure::usage(
            "no-range",
            format!(
                "`{}` is no range, and --repo says where a range is looked up",
                it.subject
            ),
        )
        .fix("write `A..B`, or leave --repo out to ask the server about a deployment"));
    }
    of_deployment(scene, it.subject).await
}

async fn of_deployment(scene: &Scene, deployment_id: String) -> Result<(), Failure> {
    let mut client = scene.client().await?.changelog();
    let request = pb::ShowChangelogRequest { deployment_id };
    let answer = client.show_changelog(request).await?.into_inner();
    let Some(it) = answer.changelog else {
        return Ok(());
    };
    if scene.is_json() {
        return output::json(&json!({ "changelog": shape(&it) }));
    }
    if it.state != "GENERATED" {
        return output::line(&format!("{}: {}", it.state, it.message));
    }
    let from = if it.from_version.is_empty() {
        "nothing".to_owned()
    } else {
        format!("{} ({})", it.from_version, output::short(&it.from_commit))
    };
    output::line(&format!(
        "{}: {from} -> {} ({}): {} added, {} removed",
        it.application,
        it.to_version,
        output::short(&it.to_commit),
        it.added_count,
        it.removed_count
    ))?;
    side("+", it.added_count, &it.added)?;
    side("-", it.removed_count, &it.removed)
}

fn side(sign: &str, count: u64, told: &[pb::ChangelogEntry]) -> Result<(), Failure> {
    for it in told {
        output::line(&format!(
            "{sign} {}  {}  ({})",
            output::short(&it.commit),
            it.subject,
            it.author_name
        ))?;
    }
    let more = count.saturating_sub(told.len() as u64);
    if more > 0 {
        output::line(&format!("{sign} and {more} more"))?;
    }
    Ok(())
}

fn shape(it: &pb::Changelog) -> Value {
    let list = |all: &[pb::ChangelogEntry]| all.iter().map(entry).collect::<Vec<_>>();
    json!({
        "deployment_id": it.deployment_id,
        "application": it.application,
        "state": it.state,
        "message": it.message,
        "from_version": it.from_version,
        "from_commit": it.from_commit,
        "to_version": it.to_version,
        "to_commit": it.to_commit,
        "added_count": it.added_count,
        "removed_count": it.removed_count,
        "added": list(&it.added),
        "removed": list(&it.removed),
        "digest": it.digest,
    })
}

fn entry(it: &pb::ChangelogEntry) -> Value {
    json!({
        "commit": it.commit,
        "subject": it.subject,
        "author_name": it.author_name,
        "author_email": it.author_email,
        "committed_at": time::rfc3339(it.committed_at_us),
    })
}
