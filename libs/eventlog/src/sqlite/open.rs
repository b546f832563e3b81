//! Opening a log file, or creating it, or saying clearly why not.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, SqlitePool};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::error::{Trouble, trouble};
use super::{Shared, SqliteLog, schema, writer};
use crate::corrupt::Corrupt;
use crate::log::{LogIdentity, Position};

/// Why a log file cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no file.
    #[error("there is no log at {path}: start `towpath up` once, or import one")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file, but of something else.
    #[error("{path} is not a Towpath log ({why}): move it away, or choose another data directory")]
    NotALog {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        why: String,
    },
    /// Written by a newer binary.
    #[error("{path} has log schema {found}, this binary knows {known}: run the newer binary")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest that this binary knows.
        known: i64,
    },
    /// The file cannot be written, and a log that cannot be written is not opened.
    #[error(
        "{path} cannot be opened for writing ({why}): make the file and its directory writable"
    )]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// There is no room to open it.
    #[error("no room for {path}: free space on that file system and start again; nothing was lost")]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another program holds it.
    #[error("{path} is locked by another program: end that program")]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error("{path}: {corrupt}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// How.
        corrupt: Corrupt,
    },
    /// Anything else.
    #[error("{path} cannot be opened: {why}")]
    Failed {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}

/// How many commits may wait for the writer; more wait in their callers.
const QUEUE: usize = 1024;

/// Rows that a connection reads ahead: fewer changes of thread while a log is walked.
const ROW_BUFFER: usize = 1024;

/// How many readers at once.
const READERS: u32 = 4;

pub(super) async fn open(path: &Path, fresh: Option<&LogIdentity>) -> Result<SqliteLog, OpenError> {
    look(path, fresh.is_some())?;
    let failed = |e: sqlx::Error| describe(&e, path);
    let mut connection = options(path)
        .create_if_missing(fresh.is_some())
        .connect()
        .await
        .map_err(failed)?;
    let (tail, readers) = match prepare(&mut connection, path, fresh).await {
        Ok(prepared) => prepared,
        Err(refused) => {
            close(connection).await;
            return Err(refused);
        }
    };
    let (queue, requests) = mpsc::channel(QUEUE);
    let (tail, live) = watch::channel(tail);
    let (stopped_tx, stopped) = watch::channel(false);
    let stop = CancellationToken::new();
    let writer = writer::Writer {
        path: path.to_owned(),
        connection,
        tail,
        stop: stop.clone(),
    };
    tokio::spawn(async move {
        writer.run(requests).await;
        stopped_tx.send_replace(true);
    });
    let path = path.to_owned();
    Ok(SqliteLog {
        shared: Arc::new(Shared {
            path,
            readers,
            queue,
            tail: live,
            stop,
            stopped,
        }),
    })
}

/// Checks or makes the log; then the last position and the read connections.
async fn prepare(
    connection: &mut SqliteConnection,
    path: &Path,
    fresh: Option<&LogIdentity>,
) -> Result<(Position, SqlitePool), OpenError> {
    let failed = |e: sqlx::Error| describe(&e, path);
    admit(connection, path, fresh).await?;
    if fresh.is_some() {
        sync_directory(path)?;
    }
    let tail = last_position(connection).await.map_err(failed)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(READERS)
        .connect_with(options(path).pragma("query_only", "on"))
        .await
        .map_err(failed)?;
    Ok((tail, readers))
}

/// WAL with `synchronous=FULL` syncs on every commit; with NORMAL a power cut could take
/// acknowledged commits (<https://sqlite.org/pragma.html#pragma_synchronous>).
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .row_buffer_size(ROW_BUFFER)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("fullfsync", "on")
        .pragma("cell_size_check", "on")
        .busy_timeout(Duration::from_secs(5))
}

/// A new file survives a power cut only when its directory was synced as well.
fn sync_directory(path: &Path) -> Result<(), OpenError> {
    let Some(dir) = path.parent().filter(|it| !it.as_os_str().is_empty()) else {
        return Ok(());
    };
    let synced = std::fs::File::open(dir).and_then(|it| it.sync_all());
    synced.map_err(|e| OpenError::Failed {
        path: path.to_owned(),
        why: format!("syncing its directory: {e}"),
    })
}

/// Looks at the file before SQLite does: SQLite would make a new database of an empty file.
fn look(path: &Path, create: bool) -> Result<(), OpenError> {
    let path = path.to_owned();
    if path.is_dir() {
        let why = "it is a directory".into();
        return Err(OpenError::NotALog { path, why });
    }
    let mut magic = Vec::new();
    match std::fs::File::open(&path) {
        Ok(file) => {
            if let Err(e) = file.take(16).read_to_end(&mut magic) {
                let why = e.to_string();
                return Err(OpenError::Failed { path, why });
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && create => return Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(OpenError::Missing { path });
        }
        Err(e) => {
            let why = e.to_string();
            return Err(OpenError::NotWritable { path, why });
        }
    }
    // An empty file is what a kill during creation leaves.
    if magic.is_empty() && create || magic == b"SQLite format 3\0" {
        return Ok(());
    }
    let why = "its first bytes are not those of a database".into();
    Err(OpenError::NotALog { path, why })
}

/// Checks that this is a log that this binary can append to, or makes it one.
async fn admit(
    connection: &mut SqliteConnection,
    path: &Path,
    fresh: Option<&LogIdentity>,
) -> Result<(), OpenError> {
    let failed = |e: sqlx::Error| describe(&e, path);
    // Taking the write lock shows a read-only file now and not at the first append.
    execute(connection, "BEGIN IMMEDIATE")
        .await
        .map_err(failed)?;
    let admitted = admit_locked(connection, path, fresh).await;
    let end = if admitted.is_ok() {
        "COMMIT"
    } else {
        "ROLLBACK"
    };
    let ended = execute(connection, end).await.map_err(failed);
    admitted?;
    ended
}

async fn admit_locked(
    connection: &mut SqliteConnection,
    path: &Path,
    fresh: Option<&LogIdentity>,
) -> Result<(), OpenError> {
    let failed = |e: sqlx::Error| describe(&e, path);
    let (application, schema, tables): (i64, i64, i64) = sqlx::query_as(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) \
         FROM pragma_application_id, pragma_user_version",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(failed)?;
    let path = path.to_owned();
    match fresh {
        Some(fresh) if application == 0 && tables == 0 => create(connection, fresh)
            .await
            .map_err(|e| describe(&e, &path)),
        _ if application != schema::APPLICATION_ID => Err(OpenError::NotALog {
            path,
            why: "a database of another program".into(),
        }),
        _ if schema > schema::SCHEMA => Err(OpenError::Newer {
            path,
            found: schema,
            known: schema::SCHEMA,
        }),
        _ => Ok(()),
    }
}

pub(super) async fn create(
    connection: &mut SqliteConnection,
    identity: &LogIdentity,
) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(schema::DDL).execute(&mut *connection).await?;
    sqlx::query(
        "INSERT INTO meta (only, log_id, epoch, created_at_us, seal) VALUES (1, $1, $2, $3, $4)",
    )
    .bind(&identity.log_id.as_bytes()[..])
    .bind(i64::from(identity.epoch))
    .bind(identity.created_at_us)
    .bind(&schema::seal(identity)[..])
    .execute(&mut *connection)
    .await?;
    let pragmas = format!(
        "PRAGMA application_id = {}; PRAGMA user_version = {};",
        schema::APPLICATION_ID,
        schema::SCHEMA
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(pragmas))
        .execute(&mut *connection)
        .await?;
    Ok(())
}

pub(super) async fn execute(
    connection: &mut SqliteConnection,
    sql: &'static str,
) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(connection).await.map(|_| ())
}

pub(super) async fn last_position(
    connection: &mut SqliteConnection,
) -> Result<Position, sqlx::Error> {
    let last: i64 = sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM commits")
        .fetch_one(connection)
        .await?;
    Ok(Position(u64::try_from(last).unwrap_or(0)))
}

pub(super) fn describe(error: &sqlx::Error, path: &Path) -> OpenError {
    let path = path.to_owned();
    let why = error.to_string();
    match trouble(error) {
        Trouble::Full => OpenError::Full { path },
        Trouble::ReadOnly | Trouble::CannotOpen => OpenError::NotWritable { path, why },
        Trouble::Busy => OpenError::Locked { path },
        Trouble::NotADatabase => OpenError::NotALog { path, why },
        Trouble::Damaged => {
            let at = Box::default();
            let corrupt = Corrupt::Damaged { at, why };
            OpenError::Corrupt { path, corrupt }
        }
        Trouble::Mistake | Trouble::Other => OpenError::Failed { path, why },
    }
}

/// Closes a connection that no longer matters; an error changes nothing that was stored.
pub(super) async fn close(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "closing the log's connection");
    }
}
