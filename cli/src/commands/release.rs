//! `towpath release`.

use proto::release::v1 as pb;
use serde_json::{Value, json};
use service::time;

use super::Scene;
use crate::args;
use crate::client::keyed;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(scene: &Scene, command: args::Release) -> Result<(), Failure> {
    let mut client = scene.client().await?.release();
    match command {
        args::Release::Create {
            application_set,
            bundle,
            idempotency_key,
            dry_run,
        } => {
            let request = pb::CreateReleaseRequest {
                application_set,
                bundle,
                dry_run,
            };
            let request = keyed(request, idempotency_key.as_deref())?;
            let answer = client.create_release(request).await?.into_inner();
            show(scene, answer.release.as_ref(), dry_run)
        }
        args::Release::List { application_set } => {
            let request = pb::ListReleasesRequest { application_set };
            let releases = client.list_releases(request).await?.into_inner().releases;
            if scene.is_json() {
                let releases: Vec<_> = releases.iter().map(shape).collect();
                return output::json(&json!({ "releases": releases }));
            }
            let rows: Vec<_> = releases.iter().map(row).collect();
            output::table(&["ID", "RELEASE", "TAG", "STATE", "BY", "CHANGED"], &rows)
        }
        args::Release::Show { release } => {
            let request = pb::ShowReleaseRequest { release };
            let answer = client.show_release(request).await?.into_inner();
            show(scene, answer.release.as_ref(), false)
        }
    }
}

fn show(scene: &Scene, release: Option<&pb::Release>, dry: bool) -> Result<(), Failure> {
    let Some(it) = release else { return Ok(()) };
    if scene.is_json() {
        return output::answer(json!({ "release": shape(it) }), dry);
    }
    output::line(&format!(
        "{}/{}  {}  {}",
        it.application_set, it.bundle, it.state, it.id
    ))?;
    if !it.message.is_empty() {
        output::line(&it.message)?;
    }
    let rows: Vec<_> = it.passes.iter().rev().flat_map(pass_rows).collect();
    output::table(
        &[
            "TAG",
            "STATE",
            "APPLICATION",
            "VERSION",
            "DEPLOYMENT",
            "REGISTRY",
            "PLACE",
        ],
        &rows,
    )?;
    if dry {
        output::line("nothing was recorded, no number is reserved (--dry-run)")?;
    }
    Ok(())
}

fn pass_rows(pass: &pb::ReleasePass) -> Vec<Vec<String>> {
    let or_dash = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
    let mut rows = Vec::new();
    for item in &pass.items {
        for tag in &item.tags {
            rows.push(vec![
                or_dash(&pass.tag),
                pass.state.clone(),
                item.application.clone(),
                item.version.clone(),
                or_dash(&output::short(&item.deployment_id)),
                tag.registry.clone(),
                or_dash(&tag.place),
            ]);
        }
    }
    rows
}

fn row(it: &pb::Release) -> Vec<String> {
    vec![
        output::short(&it.id),
        format!("{}/{}", it.application_set, it.bundle),
        it.tag.clone(),
        it.state.clone(),
        it.requested_by.clone(),
        time::rfc3339(it.updated_at_us),
    ]
}

fn shape(it: &pb::Release) -> Value {
    let passes: Vec<_> = it.passes.iter().map(shape_pass).collect();
    let at = |us: i64| {
        if us == 0 {
            Value::Null
        } else {
            time::rfc3339(us).into()
        }
    };
    json!({
        "id": it.id,
        "application_set": it.application_set,
        "bundle": it.bundle,
        "track": it.track,
        "state": it.state,
        "tag": it.tag,
        "message": it.message,
        "requested_by": it.requested_by,
        "created_at": at(it.created_at_us),
        "updated_at": at(it.updated_at_us),
        "passes": passes,
    })
}

fn shape_pass(it: &pb::ReleasePass) -> Value {
    let items: Vec<_> = it.items.iter().map(shape_item).collect();
    json!({
        "ordinal": it.ordinal,
        "tag": it.tag,
        "state": it.state,
        "message": it.message,
        "items": items,
    })
}

fn shape_item(it: &pb::ReleaseItem) -> Value {
    let tags: Vec<_> = it
        .tags
        .iter()
        .map(|it| json!({ "registry": it.registry, "place": it.place }))
        .collect();
    json!({
        "application": it.application,
        "version": it.version,
        "digest": it.digest,
        "commit": it.commit,
        "deployment_id": it.deployment_id,
        "tags": tags,
    })
}
