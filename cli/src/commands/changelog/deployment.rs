//! What a deployment changes.

use ids::Oid;
use proto::changelog::v1 as pb;
use proto::found::{self, Invalid};
use serde_json::{Value, json};
use versioning::changelog::{Changelog, End};

use super::{Scene, print, shape, unreadable};
use crate::failure::Failure;
use crate::output::{self, Format};

pub(super) async fn run(scene: &Scene, deployment_id: String) -> Result<(), Failure> {
    let mut client = scene.client().await?.changelog();
    let request = pb::ShowChangelogRequest { deployment_id };
    let answer = client.show_changelog(request).await?.into_inner();
    let Some(mut it) = answer.changelog else {
        return Ok(());
    };
    let Some(found) = it.found.take() else {
        return without(scene, &it);
    };
    let changelog = read(&it, found).map_err(|why| unreadable(&why))?;
    if scene.output == Format::Text {
        output::line(&format!("{} ({})", it.application, it.deployment_id))?;
    }
    print(scene, &changelog, || {
        let mut shaped = about(&it);
        if let (Some(into), Value::Object(more)) =
            (shaped.as_object_mut(), shape::changelog(&changelog))
        {
            into.extend(more);
        }
        json!({ "changelog": shaped })
    })
}

/// There is none, or none yet.
fn without(scene: &Scene, it: &pb::Changelog) -> Result<(), Failure> {
    let said = if it.state == "GENERATED" {
        format!(
            "{} commit(s) added, {} removed: the server is of an older version, which tells no more",
            it.added_count, it.removed_count
        )
    } else {
        format!("{}: {}", it.state, it.message)
    };
    match scene.output {
        Format::Json => output::json(&json!({ "changelog": about(it) })),
        Format::Text | Format::Github => output::line(&said),
        // A page that says nothing would be published.
        Format::Markdown | Format::Html if it.state == "PENDING" => {
            Err(Failure::broke("changelog-pending", said).fix("repeat the command"))
        }
        Format::Markdown | Format::Html => Err(Failure::refused("changelog-unavailable", said)),
    }
}

fn read(it: &pb::Changelog, found: pb::Found) -> Result<Changelog, Invalid> {
    let end = |version: &str, commit: &str| {
        let oid = Oid::parse(commit).map_err(|why| Invalid(why.to_string()))?;
        let revision = version.to_owned();
        Ok(End { revision, oid })
    };
    let from = match it.from_commit.as_str() {
        "" => None,
        commit => Some(end(&it.from_version, commit)?),
    };
    found::from_wire(found, from, end(&it.to_version, &it.to_commit)?)
}

fn about(it: &pb::Changelog) -> Value {
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
        "digest": it.digest,
    })
}
