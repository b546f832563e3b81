//! Comparing the rows of a file with rows made anew from the log, at exactly the same position.

use std::path::Path;
use std::sync::Arc;

use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions as _, Connection as _};

use super::super::compare::{Difference, Sides, compare};
use super::super::rows::Source;
use super::super::store::{Connection, Store};
use super::super::{Projection, ProjectorError, shape};
use super::{Speed, failed, open, options, rebuild};
use crate::checkpoint::check;
use crate::log::EventLog;

/// Uses a snapshot: the database may be in use.
pub(in super::super) async fn verify(
    path: &Path,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<Vec<Difference>, ProjectorError> {
    let usable = open(path, projections).await?;
    let Some(store) = usable.filter(|it| it.shape == shape(projections)) else {
        let why = "missing, damaged, or made by other projections: rebuild it";
        return Err(failed(path, why.to_owned()));
    };
    store.close().await?;
    let dir = tempfile::tempdir()
        .map_err(|e| failed(path, format!("no temporary directory for comparing: {e}")))?;
    let shadow = dir.path().join("shadow.db");
    let mut live = options(path, Speed::Live)
        .pragma("query_only", "on")
        .connect()
        .await?;
    attach(&mut live, &shadow).await?;
    let mut live = Connection::Sqlite(live);
    live.run("BEGIN".to_owned()).await?;
    let found = compare_at_checkpoint(&mut live, &shadow, log, projections).await;
    live.run("ROLLBACK".to_owned()).await?;
    if let Connection::Sqlite(live) = live {
        live.close().await?;
    }
    found
}

/// Attaches an empty file; it is filled later, through another connection, because attaching is
/// not possible inside the transaction that holds the snapshot.
async fn attach(live: &mut SqliteConnection, shadow: &Path) -> Result<(), ProjectorError> {
    std::fs::File::create(shadow)
        .map_err(|e| failed(shadow, format!("{e}; free space for temporary files")))?;
    sqlx::query("ATTACH DATABASE $1 AS shadow")
        .bind(shadow.to_string_lossy().into_owned())
        .execute(live)
        .await?;
    Ok(())
}

async fn compare_at_checkpoint(
    live: &mut Connection,
    shadow: &Path,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<Vec<Difference>, ProjectorError> {
    // Reading fixes the snapshot: rows and checkpoint below are of one moment.
    let (at, _) = live.checkpoint().await?;
    check(log.as_ref(), &at).await?;
    let made: Store = rebuild::make(shadow, log, projections, at.position, &mut |_, _| {}).await?;
    made.close().await?;
    let Connection::Sqlite(live) = live else {
        return Ok(Vec::new());
    };
    let sides = Sides {
        live: "main",
        made: "shadow",
    };
    compare(&mut Source::Sqlite(live), &sides, projections).await
}
