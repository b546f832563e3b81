//! Rows are what the log makes of them, and the checkpoint says of how much of it.

mod comparing;
mod following;
mod opening;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::{ApplyError, Projection, Projector, Table};
use crate::codec::UnknownEvent;
use crate::commit::Stored;
use crate::conformance::identity;
use crate::log::EventLog;
use crate::mem::MemLog;

/// How many commits each aggregate has, and the payload of each commit.
struct Counts {
    fold_version: u32,
    /// Applied before the next failure, when it is not 0.
    until_failure: AtomicU32,
}

fn counts(fold_version: u32) -> Vec<Box<dyn Projection>> {
    let until_failure = AtomicU32::new(0);
    vec![Box::new(Counts {
        fold_version,
        until_failure,
    })]
}

#[async_trait]
impl Projection for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }

    fn tables(&self) -> &'static [Table] {
        &[
            Table {
                name: "counts",
                key: &["aggregate"],
            },
            Table {
                name: "said",
                key: &["aggregate", "version"],
            },
        ]
    }

    fn ddl(&self) -> &'static str {
        "CREATE TABLE counts (aggregate TEXT PRIMARY KEY, commits INTEGER, fold INTEGER) STRICT;
         CREATE TABLE said (aggregate TEXT, version INTEGER, payload BLOB,
                            PRIMARY KEY (aggregate, version)) STRICT;"
    }

    fn fold_version(&self) -> u32 {
        self.fold_version
    }

    async fn apply(&self, conn: &mut SqliteConnection, stored: &Stored) -> Result<(), ApplyError> {
        let commit = &stored.commit;
        let record = &commit.events[0];
        if record.payload.starts_with(b"unknown") {
            return Err(UnknownEvent::new(record, "not for counting").into());
        }
        let failing = self.until_failure.load(Ordering::SeqCst);
        if failing > 0 && self.until_failure.fetch_sub(1, Ordering::SeqCst) == 1 {
            return Err(sqlx::Error::WorkerCrashed.into());
        }
        sqlx::query(
            "INSERT INTO counts VALUES ($1, 1, $2) \
             ON CONFLICT (aggregate) DO UPDATE SET commits = commits + 1",
        )
        .bind(commit.aggregate.to_string())
        .bind(self.fold_version)
        .execute(&mut *conn)
        .await?;
        sqlx::query("INSERT INTO said VALUES ($1, $2, $3)")
            .bind(commit.aggregate.to_string())
            .bind(i64::try_from(commit.version).unwrap())
            .bind(&record.payload[..])
            .execute(&mut *conn)
            .await?;
        Ok(())
    }
}

fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("read.db");
    (dir, path)
}

fn mem() -> Arc<dyn EventLog> {
    Arc::new(MemLog::new(identity()))
}

async fn open(path: &Path, log: &Arc<dyn EventLog>) -> Arc<Projector> {
    Arc::new(Projector::open(path, log.clone(), counts(1)).await.unwrap())
}

async fn rows(projector: &Projector) -> Vec<(String, i64)> {
    sqlx::query_as("SELECT aggregate, commits FROM counts ORDER BY aggregate")
        .fetch_all(projector.read_pool())
        .await
        .unwrap()
}

async fn sql(path: &Path, statements: &'static str) {
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

const SOON: Duration = Duration::from_secs(30);
