//! What only the log in a file can get wrong.

mod append_only;
mod damage;
mod full;
mod group;
mod kill;
mod opening;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tempfile::TempDir;

use super::SqliteLog;
use crate::conformance::{fill, identity};
use crate::log::EventLog;

/// A closed log with `each` commits on each of so many aggregates.
async fn closed_log(aggregates: u128, each: u64) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let log = SqliteLog::open(&path, &identity()).await.unwrap();
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    fill(&shared, aggregates, each).await.unwrap();
    log.close().await;
    for beside in ["log.db-wal", "log.db-shm"] {
        assert!(
            !dir.path().join(beside).exists(),
            "{beside} outlives the log"
        );
    }
    (dir, path)
}

/// Any other program that opens the file, such as the `sqlite3` shell.
async fn stranger(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap()
}

async fn sql(path: &Path, statements: &str) -> Result<(), sqlx::Error> {
    let mut connection = stranger(path).await;
    let done = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut connection)
        .await;
    connection.close().await.unwrap();
    done.map(|_| ())
}
