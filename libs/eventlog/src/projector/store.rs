//! The read database: rows and checkpoint, written together.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ids::Uuid;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use super::{ApplyError, Projection, ProjectorError, shape};
use crate::checkpoint::Checkpoint;
use crate::commit::Stored;
use crate::corrupt::Place;
use crate::log::Position;
use crate::sqlite::{Trouble, trouble};

/// `TPRM`: says that a database file is a read model of ours.
const APPLICATION_ID: i64 = 0x5450_524d;

const CHECKPOINT_DDL: &str = "
CREATE TABLE towpath_checkpoint (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log_id BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  position INTEGER NOT NULL,
  hash BLOB NOT NULL,
  fold_version BLOB NOT NULL
) STRICT;
";

/// How careful a store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speed {
    /// Survives a kill at any moment.
    Live,
    /// A file that nobody uses before it is complete.
    Bulk,
}

pub(crate) struct Store {
    path: PathBuf,
    connection: SqliteConnection,
    pub(crate) checkpoint: Checkpoint,
    /// The shape that the rows were made with.
    pub(crate) shape: [u8; 32],
}

/// How to connect to a read database.
pub(crate) fn options(path: &Path, speed: Speed) -> SqliteConnectOptions {
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

impl Store {
    /// Makes an empty read database.
    pub(crate) async fn create(
        path: &Path,
        projections: &[Box<dyn Projection>],
        start: Checkpoint,
    ) -> Result<Self, ProjectorError> {
        let mut connection = options(path, Speed::Bulk)
            .create_if_missing(true)
            .connect()
            .await?;
        let pragma = format!("PRAGMA application_id = {APPLICATION_ID};");
        sqlx::raw_sql(sqlx::AssertSqlSafe(pragma))
            .execute(&mut connection)
            .await?;
        sqlx::raw_sql(CHECKPOINT_DDL)
            .execute(&mut connection)
            .await?;
        for projection in projections {
            sqlx::raw_sql(projection.ddl())
                .execute(&mut connection)
                .await?;
        }
        let shape = shape(projections);
        sqlx::query("INSERT INTO towpath_checkpoint VALUES (1, $1, $2, $3, $4, $5)")
            .bind(&start.log_id.as_bytes()[..])
            .bind(i64::from(start.epoch))
            .bind(i64::try_from(start.position.0).unwrap_or(i64::MAX))
            .bind(&start.hash[..])
            .bind(&shape[..])
            .execute(&mut connection)
            .await?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            checkpoint: start,
            shape,
        })
    }

    /// Opens a read database. Nothing when there is none, or when it is damaged: it is made of
    /// the log and can be made again.
    pub(crate) async fn open(path: &Path) -> Result<Option<Self>, ProjectorError> {
        if !path.exists() {
            return Ok(None);
        }
        let store = match Self::read(path).await {
            Ok(store) => store,
            Err(e) if trouble(&e) == Trouble::Damaged => {
                tracing::warn!(path = %path.display(), error = %e, "the read database is damaged and will be rebuilt");
                None
            }
            Err(e) => {
                return Err(ProjectorError::Database {
                    path: path.display().to_string(),
                    why: format!("{e}; make it and its directory writable, or move it away"),
                });
            }
        };
        store.map(|it| it.ours(path)).transpose()
    }

    async fn read(path: &Path) -> Result<Option<Self>, sqlx::Error> {
        let mut connection = options(path, Speed::Live).connect().await?;
        let (application, tables): (i64, i64) = sqlx::query_as(
            "SELECT application_id, (SELECT count(*) FROM sqlite_schema) \
             FROM pragma_application_id",
        )
        .fetch_one(&mut connection)
        .await?;
        if application == 0 && tables == 0 {
            return Ok(None);
        }
        let nobody = Checkpoint {
            log_id: Uuid::nil(),
            epoch: 0,
            position: Position(0),
            hash: [0; 32],
        };
        let mut store = Self {
            path: path.to_owned(),
            connection,
            checkpoint: nobody,
            shape: [0; 32],
        };
        if application == APPLICATION_ID {
            (store.checkpoint, store.shape) = checkpoint(&mut store.connection).await?;
        }
        Ok(Some(store))
    }

    /// A database of another program has no checkpoint of a log.
    fn ours(self, path: &Path) -> Result<Self, ProjectorError> {
        if self.checkpoint.log_id.is_nil() {
            return Err(ProjectorError::Database {
                path: path.display().to_string(),
                why: "it belongs to another program: move it away".into(),
            });
        }
        Ok(self)
    }

    /// Applies commits and moves the checkpoint, all or nothing.
    pub(crate) async fn apply(
        &mut self,
        projections: &[Box<dyn Projection>],
        commits: &[Stored],
    ) -> Result<(), ProjectorError> {
        let Some(last) = commits.last() else {
            return Ok(());
        };
        let next = Checkpoint {
            log_id: self.checkpoint.log_id,
            epoch: self.checkpoint.epoch.max(last.commit.epoch),
            position: last.position,
            hash: last.commit.hash(),
        };
        let from = self.checkpoint.position;
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        for stored in commits {
            for projection in projections {
                projection
                    .apply(&mut transaction, stored)
                    .await
                    .map_err(|why| stopped(projection.name(), stored, why))?;
            }
        }
        let moved = sqlx::query(
            "UPDATE towpath_checkpoint SET epoch = $1, position = $2, hash = $3 \
             WHERE position = $4",
        )
        .bind(i64::from(next.epoch))
        .bind(i64::try_from(next.position.0).unwrap_or(i64::MAX))
        .bind(&next.hash[..])
        .bind(i64::try_from(from.0).unwrap_or(i64::MAX))
        .execute(&mut *transaction)
        .await?;
        if moved.rows_affected() != 1 {
            return Err(ProjectorError::Overtaken);
        }
        transaction.commit().await?;
        self.checkpoint = next;
        Ok(())
    }

    /// Closes the file; everything is in it afterwards.
    pub(crate) async fn close(self) -> Result<(), ProjectorError> {
        Ok(self.connection.close().await?)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// What the read database says about itself.
pub(crate) async fn checkpoint(
    connection: &mut SqliteConnection,
) -> Result<(Checkpoint, [u8; 32]), sqlx::Error> {
    let (log_id, epoch, position, hash, shape): (Vec<u8>, i64, i64, Vec<u8>, Vec<u8>) =
        sqlx::query_as(
            "SELECT log_id, epoch, position, hash, fold_version FROM towpath_checkpoint",
        )
        .fetch_one(connection)
        .await?;
    let wrong = |what: &str| sqlx::Error::Decode(format!("checkpoint: {what}").into());
    let checkpoint = Checkpoint {
        log_id: Uuid::from_slice(&log_id).map_err(|_| wrong("log_id"))?,
        epoch: u32::try_from(epoch).map_err(|_| wrong("epoch"))?,
        position: Position(u64::try_from(position).map_err(|_| wrong("position"))?),
        hash: hash.try_into().map_err(|_| wrong("hash"))?,
    };
    Ok((
        checkpoint,
        shape.try_into().map_err(|_| wrong("fold_version"))?,
    ))
}

fn stopped(projection: &'static str, stored: &Stored, why: ApplyError) -> ProjectorError {
    if let ApplyError::Sql(error) = why {
        return match error.as_database_error() {
            // A constraint that a commit violates is the projection's mistake.
            Some(it) if it.is_unique_violation() || it.is_check_violation() => {
                stopped(projection, stored, ApplyError::Wrong(error.to_string()))
            }
            _ => ProjectorError::Sql(error),
        };
    }
    let commit = &stored.commit;
    ProjectorError::Stopped {
        projection,
        at: Place::new(&commit.aggregate, commit.version, Some(stored.position)).into(),
        why,
    }
}
