//! `towpath projections`: the read models against the log.

use std::process::ExitCode;

use eventlog::lock;
use eventlog::projector::{self, Database, Kind};
use serde_json::json;
use service::role::Role;

use super::{Scene, progress};
use crate::args;
use crate::failure::Failure;
use crate::output;
use crate::serve::{projections, refused};

pub(super) async fn run(scene: &Scene, command: args::Projections) -> Result<ExitCode, Failure> {
    let data = scene.data()?;
    let record = scene.record().await?;
    let log = record.log();
    let read = Database::File(data.join("read.db"));
    let code = match command {
        args::Projections::Rebuild => {
            let _lock =
                lock::lock(&data).map_err(|error| refused("data-directory-in-use", &error))?;
            let at = projector::rebuild(
                &read,
                &log,
                &projections(&Role::ALL),
                &mut progress("rebuilding"),
            )
            .await
            .map_err(|error| refused("read-models", &error))?;
            if scene.is_json() {
                output::json(&json!({ "position": at.position.0 }))?;
            } else {
                output::line(&format!("rebuilt up to position {}", at.position.0))?;
            }
            ExitCode::SUCCESS
        }
        args::Projections::Verify => {
            let found = projector::verify(&read, &log, &projections(&Role::ALL))
                .await
                .map_err(|error| refused("read-models", &error))?;
            show(scene, &found)?
        }
    };
    record.close().await;
    Ok(code)
}

fn show(scene: &Scene, found: &[projector::Difference]) -> Result<ExitCode, Failure> {
    if scene.is_json() {
        let all: Vec<_> = found
            .iter()
            .map(|it| match &it.kind {
                Kind::Changed {
                    column,
                    live,
                    expected,
                } => json!({
                    "table": it.table, "key": it.key, "kind": "changed",
                    "column": column, "live": live, "expected": expected,
                }),
                Kind::Lost => json!({ "table": it.table, "key": it.key, "kind": "lost" }),
                Kind::Extra => json!({ "table": it.table, "key": it.key, "kind": "extra" }),
            })
            .collect();
        output::json(&json!({ "differences": all }))?;
    } else {
        for it in found {
            let what = match &it.kind {
                Kind::Changed {
                    column,
                    live,
                    expected,
                } => {
                    format!("changed: {column} is {live}, the log says {expected}")
                }
                Kind::Lost => "lost: the log has it, the read model does not".to_owned(),
                Kind::Extra => "extra: the read model has it, the log does not".to_owned(),
            };
            output::line(&format!("{}  {}  {what}", it.table, it.key))?;
        }
        if found.is_empty() {
            output::line("the read models say what the log says")?;
        } else {
            output::line("`towpath projections rebuild` makes them anew")?;
        }
    }
    Ok(if found.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}
