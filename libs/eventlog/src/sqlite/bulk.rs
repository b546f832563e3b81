//! Filling a new log file that nobody uses before it is complete.

use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions as _, Connection as _};

use super::open::{create, describe, execute, options};
use super::{OpenError, writer};
use crate::commit::SealedCommit;
use crate::import::ImportError;
use crate::log::LogIdentity;

/// A log file being made. It is not synced: whoever publishes it syncs it.
pub(crate) struct Bulk {
    path: PathBuf,
    connection: SqliteConnection,
    position: i64,
}

impl Bulk {
    pub(crate) async fn create(path: &Path, identity: &LogIdentity) -> Result<Self, OpenError> {
        let failed = |e: sqlx::Error| describe(&e, path);
        let mut connection = options(path)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Memory)
            .synchronous(sqlx::sqlite::SqliteSynchronous::Off)
            .create_if_missing(true)
            .connect()
            .await
            .map_err(failed)?;
        create(&mut connection, identity).await.map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            position: 0,
        })
    }

    /// Stores commits that were checked already, in order.
    pub(crate) async fn store(&mut self, commits: &[SealedCommit]) -> Result<(), ImportError> {
        let stored = self.store_all(commits).await;
        stored.map_err(|e| self.failed(&e))
    }

    async fn store_all(&mut self, commits: &[SealedCommit]) -> Result<(), sqlx::Error> {
        execute(&mut self.connection, "BEGIN").await?;
        for commit in commits {
            self.position += 1;
            writer::insert_row(&mut self.connection, self.position, commit).await?;
        }
        execute(&mut self.connection, "COMMIT").await
    }

    pub(crate) async fn close(self) -> Result<(), ImportError> {
        let path = self.path.clone();
        self.connection
            .close()
            .await
            .map_err(|e| ImportError::Write {
                path,
                why: e.to_string(),
            })
    }

    fn failed(&self, error: &sqlx::Error) -> ImportError {
        ImportError::Write {
            path: self.path.clone(),
            why: error.to_string(),
        }
    }
}
