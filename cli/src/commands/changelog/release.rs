//! What is new in an environment by a release.

use ids::Oid;
use proto::changelog::v1 as pb;
use proto::found::{self, Invalid};
use serde_json::{Value, json};
use service::time;
use versioning::changelog::{Bundle, End, Part, Shared, Standing, Union, UnionSide};

use super::{Scene, print, shape, unreadable};
use crate::failure::Failure;

pub(super) async fn run(
    scene: &Scene,
    release: String,
    environment: String,
) -> Result<(), Failure> {
    let mut client = scene.client().await?.changelog();
    let request = pb::ShowReleaseChangelogRequest {
        release,
        environment,
    };
    let answer = client.show_release_changelog(request).await?.into_inner();
    let Some(it) = answer.changelog else {
        return Ok(());
    };
    let bundle = bundle(&it).map_err(|why| unreadable(&why))?;
    print(
        scene,
        &bundle,
        || json!({ "release_changelog": shaped(&it, &bundle) }),
    )
}

fn bundle(it: &pb::ReleaseChangelog) -> Result<Bundle, Invalid> {
    let mut remarks = Vec::new();
    let came = it.applications.iter().filter(|it| it.arrived_at_us != 0);
    match came.count() {
        all if all == it.applications.len() => {}
        0 => remarks.push(format!(
            "It has not come to {}: this is against what runs there.",
            it.environment
        )),
        some => remarks.push(format!("{some} of {} came so far.", it.applications.len())),
    }
    let parts = it.applications.iter().map(part);
    Ok(Bundle {
        name: format!("{}/{}", it.application_set, it.bundle),
        environment: it.environment.clone(),
        remarks,
        parts: parts.collect::<Result<_, _>>()?,
    })
}

fn part(it: &pb::ReleaseApplication) -> Result<Part, Invalid> {
    let told = |text: &String| (!text.is_empty()).then(|| text.clone());
    Ok(Part {
        application: it.application.clone(),
        from: told(&it.from_version),
        to: it.to_version.clone(),
        remarks: remarks(it),
        standing: standing(it)?,
    })
}

fn standing(it: &pb::ReleaseApplication) -> Result<Standing, Invalid> {
    let end = |version: &str, commit: &str| {
        let oid = Oid::parse(commit).map_err(|why| Invalid(why.to_string()))?;
        let revision = version.to_owned();
        Ok(End { revision, oid })
    };
    Ok(match (it.standing.as_str(), &it.found) {
        (_, Some(found)) => {
            let from = match it.from_commit.as_str() {
                "" => None,
                commit => Some(end(&it.from_version, commit)?),
            };
            let to = end(&it.to_version, &it.to_commit)?;
            Standing::Known(Box::new(found::from_wire(found.clone(), from, to)?))
        }
        ("UNCHANGED", None) => Standing::Unchanged,
        ("PENDING", None) => Standing::Pending(it.message.clone()),
        ("UNKNOWN", None) => Standing::Unknown(it.message.clone()),
        (other, None) => return Err(Invalid(format!("`{other}` says nothing of its commits"))),
    })
}

/// What a reader would not expect of an application.
fn remarks(it: &pb::ReleaseApplication) -> Vec<String> {
    let mut all = Vec::new();
    if it.frozen {
        all.push("the release ended before it came: compared with what ran there then".to_owned());
    }
    if it.arrived_at_us != 0 && it.runs_commit != it.to_commit {
        all.push(format!("runs {} there now", it.runs_version));
    }
    all
}

fn shaped(it: &pb::ReleaseChangelog, bundle: &Bundle) -> Value {
    let union = Union::of(&bundle.parts);
    let applications = it.applications.iter().zip(&bundle.parts);
    json!({
        "release_id": it.release_id,
        "application_set": it.application_set,
        "bundle": it.bundle,
        "tag": it.tag,
        "environment": it.environment,
        "environments": it.environments,
        "applications": applications.map(|(it, part)| application(it, part)).collect::<Vec<_>>(),
        "added": side(&union.added),
        "removed": side(&union.removed),
        "digest": it.digest,
    })
}

fn application(it: &pb::ReleaseApplication, part: &Part) -> Value {
    let changelog = match &part.standing {
        Standing::Known(it) => Some(shape::changelog(it)),
        Standing::Unchanged | Standing::Pending(_) | Standing::Unknown(_) => None,
    };
    let arrived = Some(it.arrived_at_us).filter(|it| *it != 0);
    json!({
        "application": it.application,
        "standing": it.standing,
        "message": it.message,
        "from_version": it.from_version,
        "from_commit": it.from_commit,
        "to_version": it.to_version,
        "to_commit": it.to_commit,
        "arrived_at": arrived.map(time::rfc3339),
        "frozen": it.frozen,
        "runs_version": it.runs_version,
        "runs_commit": it.runs_commit,
        "changelog": changelog,
        "digest": it.digest,
    })
}

fn side(it: &UnionSide<'_>) -> Value {
    let shown = it.shown.iter();
    let shown = shown.map(|it| shared(it, shape::entry(it.it, it.forge)));
    let left_out = it.left_out.iter();
    let left_out = left_out.map(|it| shared(it, shape::left_out(it.it, it.forge)));
    json!({
        "count": it.count(),
        "shown": shown.collect::<Vec<_>>(),
        "left_out": left_out.collect::<Vec<_>>(),
    })
}

fn shared<T>(it: &Shared<'_, T>, mut shaped: Value) -> Value {
    if let Some(into) = shaped.as_object_mut() {
        into.insert("applications".to_owned(), json!(it.applications));
        into.insert("left_out_for".to_owned(), json!(it.left_out_for));
    }
    shaped
}
