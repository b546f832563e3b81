//! Read models in a SQLite file.

mod rebuild;
mod verify;

use std::io;
use std::path::Path;
use std::time::Duration;

pub(super) use rebuild::{make, rebuild};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqlitePool};
pub(super) use verify::verify;

use super::store::{Connection, Store};
use super::{Projection, ProjectorError};
use crate::checkpoint::Checkpoint;
use crate::sqlite::{Trouble, trouble};

/// `TPRM`: says that a database file is a read model of ours.
const APPLICATION_ID: i64 = 0x5450_524d;

/// How careful a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speed {
    /// Survives a kill at any moment.
    Live,
    /// A file that nobody uses before it is complete.
    Bulk,
}

/// How to connect to a read database.
pub(super) fn options(path: &Path, speed: Speed) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(5));
    match speed {
        // After a power cut rows and checkpoint go back together; the log has the rest.
        Speed::Live => options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal),
        Speed::Bulk => options
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off),
    }
}

/// Makes an empty read database.
async fn create(
    path: &Path,
    projections: &[Box<dyn Projection>],
    start: Checkpoint,
) -> Result<Store, ProjectorError> {
    let options = options(path, Speed::Bulk).create_if_missing(true);
    let mut connection = Connection::Sqlite(options.connect().await?);
    let mark = format!("PRAGMA application_id = {APPLICATION_ID};");
    connection.run(mark).await?;
    Store::create(connection, projections, start).await
}

/// Opens a read database. Nothing when there is none, or when it is damaged: it is made of the
/// log and can be made again.
pub(super) async fn open(
    path: &Path,
    projections: &[Box<dyn Projection>],
) -> Result<Option<Store>, ProjectorError> {
    if !path.exists() {
        return Ok(None);
    }
    match read(path, projections).await {
        Ok(Opened::Ours(store)) => Ok(Some(store)),
        Ok(Opened::Empty) => Ok(None),
        Ok(Opened::Foreign) => Err(failed(
            path,
            "it belongs to another program: move it away".to_owned(),
        )),
        Err(e) if trouble(&e) == Trouble::Damaged => {
            tracing::warn!(path = %path.display(), error = %e, "the read database is damaged and will be rebuilt");
            Ok(None)
        }
        Err(e) => Err(failed(
            path,
            format!("{e}; make it and its directory writable, or move it away"),
        )),
    }
}

#[expect(clippy::large_enum_variant, reason = "lives for a moment")]
enum Opened {
    Ours(Store),
    Empty,
    Foreign,
}

async fn read(path: &Path, projections: &[Box<dyn Projection>]) -> Result<Opened, sqlx::Error> {
    let mut connection = options(path, Speed::Live).connect().await?;
    let (application, tables): (i64, i64) = sqlx::query_as(
        "SELECT application_id, (SELECT count(*) FROM sqlite_schema) \
         FROM pragma_application_id",
    )
    .fetch_one(&mut connection)
    .await?;
    if application == 0 && tables == 0 {
        return Ok(Opened::Empty);
    }
    if application != APPLICATION_ID {
        return Ok(Opened::Foreign);
    }
    let connection = Connection::Sqlite(connection);
    let store = Store::resume(connection, projections).await?;
    Ok(Opened::Ours(store))
}

/// Where the leases of a role are: beside its read models. A file has one process, so they are
/// there for the sake of having one way.
pub(super) async fn leases(path: &Path) -> Result<SqlitePool, ProjectorError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options(path, Speed::Live))
        .await?;
    sqlx::query(
        "CREATE TABLE IF NOT EXISTS towpath_lease (resource TEXT PRIMARY KEY, \
         holder TEXT NOT NULL, fence INTEGER NOT NULL, expires_us INTEGER NOT NULL) STRICT",
    )
    .execute(&pool)
    .await?;
    Ok(pool)
}

fn failed(path: &Path, why: String) -> ProjectorError {
    ProjectorError::Database {
        database: path.display().to_string(),
        why,
    }
}

fn unwritable(path: &Path, error: &io::Error) -> ProjectorError {
    let why = format!("{error}; make its directory writable and free space there");
    failed(path, why)
}
