//! Rows are what the log makes of them, and the checkpoint says of how much of it.

mod comparing;
mod following;
mod opening;
mod postgres;

use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::{
    Answer, ApplyError, Cell, Column, Database, Difference, Index, Projection, Projector, Rows,
    Table,
};
use crate::codec::UnknownEvent;
use crate::commit::Stored;
use crate::conformance::identity;
use crate::log::EventLog;
use crate::mem::MemLog;

const COUNTS: Table = Table {
    name: "counts",
    columns: &[
        Column::text("aggregate"),
        Column::int("commits"),
        Column::int("fold"),
    ],
    key: 1,
    indexes: &[Index {
        name: "counts_by_commits",
        columns: &["commits"],
    }],
};

const SAID: Table = Table {
    name: "said",
    columns: &[
        Column::text("aggregate"),
        Column::int("version"),
        Column::text("payload"),
    ],
    key: 2,
    indexes: &[],
};

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
        &[COUNTS, SAID]
    }

    fn fold_version(&self) -> u32 {
        self.fold_version
    }

    async fn apply(&self, rows: &mut Rows<'_>, stored: &Stored) -> Result<(), ApplyError> {
        let commit = &stored.commit;
        let record = &commit.events[0];
        if record.payload.starts_with(b"unknown") {
            return Err(UnknownEvent::new(record, "not for counting").into());
        }
        let failing = self.until_failure.load(Ordering::SeqCst);
        if failing > 0 && self.until_failure.fetch_sub(1, Ordering::SeqCst) == 1 {
            return Err(sqlx::Error::WorkerCrashed.into());
        }
        let key = Cell::from(commit.aggregate.to_string());
        if rows.get(&COUNTS, slice::from_ref(&key)).await?.is_none() {
            let fold = i64::from(self.fold_version).into();
            rows.put(COUNTS.row([("aggregate", key.clone()), ("fold", fold)])?)?;
        }
        if let Some(row) = rows.edit(&COUNTS, slice::from_ref(&key)).await? {
            let commits = row.int("commits")? + 1;
            row.set([("commits", commits.into())])?;
        }
        // What only applying a commit twice would meet.
        let version = Cell::from(i64::try_from(commit.version).unwrap());
        if rows
            .get(&SAID, &[key.clone(), version.clone()])
            .await?
            .is_some()
        {
            return Err(ApplyError::Wrong("applied before".into()));
        }
        let payload = String::from_utf8_lossy(&record.payload).into_owned().into();
        let said = [
            ("aggregate", key),
            ("version", version),
            ("payload", payload),
        ];
        rows.put(SAID.row(said)?)
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
    let opened = Projector::open(&path.into(), log.clone(), counts(1)).await;
    Arc::new(opened.unwrap())
}

async fn verify(path: &Path, log: &Arc<dyn EventLog>, fold_version: u32) -> Vec<Difference> {
    let database = Database::from(path);
    let found = super::verify(&database, log, &counts(fold_version)).await;
    found.unwrap()
}

async fn rows(projector: &Projector) -> Vec<(String, i64)> {
    let sql = "SELECT aggregate, commits FROM counts ORDER BY aggregate";
    let found = projector.reads().fetch(sql, &[]).await.unwrap();
    let row = |it: &Answer| (it.text("aggregate").unwrap(), it.int("commits").unwrap());
    found.iter().map(row).collect()
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
