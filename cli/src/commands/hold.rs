//! `towpath hold`.

use proto::delivery::v1 as pb;
use serde_json::json;
use service::clock::{Clock as _, SystemClock};
use service::time;

use super::{Scene, view};
use crate::args;
use crate::client::keyed;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(scene: &Scene, command: args::Hold) -> Result<(), Failure> {
    match command {
        args::Hold::Create {
            scope,
            subject,
            reason,
            until,
            dry_run,
        } => {
            let until_us = match until {
                None => 0,
                Some(text) => time::parse(&text, SystemClock.now_us())
                    .map_err(|why| Failure::usage("invalid-value", why))?,
            };
            let request = pb::CreateHoldRequest {
                scope,
                subject,
                reason,
                until_us,
                dry_run,
            };
            let mut client = scene.client().await?.delivery();
            let hold = client
                .create_hold(keyed(request, None)?)
                .await?
                .into_inner()
                .hold;
            show(scene, hold.as_ref(), dry_run)
        }
        args::Hold::List { all } => {
            let mut client = scene.client().await?.delivery();
            let holds = client
                .list_holds(pb::ListHoldsRequest { all })
                .await?
                .into_inner()
                .holds;
            if scene.is_json() {
                let holds: Vec<_> = holds.iter().map(view::hold).collect();
                return output::json(&json!({ "holds": holds }));
            }
            let rows: Vec<_> = holds.iter().map(row).collect();
            output::table(
                &["ID", "SCOPE", "SUBJECT", "UNTIL", "SOURCE", "BY", "REASON"],
                &rows,
            )
        }
        args::Hold::Release {
            id,
            reason,
            dry_run,
        } => {
            let request = pb::ReleaseHoldRequest {
                id,
                reason,
                dry_run,
            };
            let mut client = scene.client().await?.delivery();
            let hold = client
                .release_hold(keyed(request, None)?)
                .await?
                .into_inner()
                .hold;
            show(scene, hold.as_ref(), dry_run)
        }
    }
}

fn show(scene: &Scene, hold: Option<&pb::Hold>, dry: bool) -> Result<(), Failure> {
    let Some(hold) = hold else { return Ok(()) };
    if scene.is_json() {
        return output::answer(json!({ "hold": view::hold(hold) }), dry);
    }
    output::table(
        &["ID", "SCOPE", "SUBJECT", "UNTIL", "SOURCE", "BY", "REASON"],
        &[row(hold)],
    )?;
    output::note_dry(dry)
}

fn row(it: &pb::Hold) -> Vec<String> {
    let until = match (it.released, it.until_us) {
        (true, _) => "released".to_owned(),
        (false, 0) => "released by hand".to_owned(),
        (false, at) => time::rfc3339(at),
    };
    let subject = if it.subject.is_empty() {
        "-"
    } else {
        &it.subject
    };
    vec![
        it.id.clone(),
        it.scope.clone(),
        subject.to_owned(),
        until,
        it.source.clone(),
        it.placed_by.clone(),
        it.reason.clone(),
    ]
}
