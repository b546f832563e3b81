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
use crate::serve::{database, projections, refused};

pub(super) async fn run(scene: &Scene, command: args::Projections) -> Result<ExitCode, Failure> {
    scene.asks_no_server(match command {
        args::Projections::Rebuild => "projections rebuild",
        args::Projections::Verify => "projections verify",
    })?;
    let data = scene.data()?;
    let config = service::Config::load(&data, crate::home::settings())?;
    let record = scene.record().await?;
    // In PostgreSQL each role has a schema of its own; a file holds what all of them show.
    let schemas: Vec<&[Role]> = if config.reads.url.is_empty() {
        vec![&Role::ALL]
    } else {
        Role::ALL.chunks(1).collect()
    };
    let mut found = Vec::new();
    let mut position = 0;
    for roles in schemas {
        let read = database(&data, &config, roles)?;
        match command {
            args::Projections::Rebuild => {
                // A file has one user; a schema is rebuilt while it is served.
                let _lock = matches!(read, Database::File(_))
                    .then(|| lock::lock(&data))
                    .transpose()
                    .map_err(|error| refused("data-directory-in-use", &error))?;
                let mut progress = progress("rebuilding");
                let models = projections(roles);
                let at = projector::rebuild(&read, &record.log(), &models, &mut progress).await;
                position = at
                    .map_err(|error| refused("read-models", &error))?
                    .position
                    .0;
            }
            args::Projections::Verify => {
                let models = projections(roles);
                let all = projector::verify(&read, &record.log(), &models).await;
                found.extend(all.map_err(|error| refused("read-models", &error))?);
            }
        }
    }
    record.close().await;
    match command {
        args::Projections::Verify => show(scene, &found),
        args::Projections::Rebuild if scene.is_json() => {
            output::json(&json!({ "position": position })).map(|()| ExitCode::SUCCESS)
        }
        args::Projections::Rebuild => {
            output::line(&format!("rebuilt up to position {position}")).map(|()| ExitCode::SUCCESS)
        }
    }
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
