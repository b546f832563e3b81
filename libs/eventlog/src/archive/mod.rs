//! A second copy of the log, byte for byte, in PostgreSQL: another engine, milliseconds behind.
//! What a log is restored from, and what shows that it was changed.

mod copy;
mod error;
mod table;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, Stream, TryStreamExt as _};
use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use error::ArchiveError;
pub use verify::{Compared, Divergence};

use crate::commit::Stored;
use crate::log::{EventLog, LogIdentity, Position};
use crate::projector::Server;

/// Commits read at once.
const PAGE: usize = 1024;

const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The archive in a schema of its own: `log_archive`, a row per commit, in the log's order.
pub struct Archive {
    pool: PgPool,
    position: watch::Sender<Position>,
}

impl Archive {
    /// Opens the archive in the schema that `server` names; makes it when it is missing.
    pub async fn open(server: &Server) -> Result<Self, ArchiveError> {
        let pool = server.pool().await.map_err(ArchiveError::database)?;
        table::ensure(&pool, server).await?;
        let last = table::last(&pool).await?;
        let position = watch::Sender::new(last.map_or(Position(0), |it| it.position));
        Ok(Self { pool, position })
    }

    /// How far the archive is.
    pub fn position(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    /// Which log it is a copy of; none before the first [`Archive::run`].
    pub async fn identity(&self) -> Result<Option<LogIdentity>, ArchiveError> {
        table::identity(&self.pool).await
    }

    /// At most `limit` commits after a position, in order, each with its hash and its columns
    /// checked.
    pub async fn read(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ArchiveError> {
        table::read(&self.pool, after, limit).await
    }

    /// Every commit, in order, checked: what a log is restored from.
    pub fn commits(&self) -> impl Stream<Item = Result<Stored, ArchiveError>> + Send + '_ {
        let pages = stream::try_unfold(Position(0), async |after| {
            let page = self.read(after, PAGE).await?;
            let last = page.last().map(|it| it.position);
            Ok::<_, ArchiveError>(last.map(|last| (stream::iter(page.into_iter().map(Ok)), last)))
        });
        pages.try_flatten()
    }

    /// Copies what the log holds and whatever is appended, until cancelled. Trouble that passes
    /// is waited out. A log that is not the one that was copied ends it, and nothing of it is
    /// copied.
    pub async fn run(
        &self,
        log: Arc<dyn EventLog>,
        cancel: CancellationToken,
    ) -> Result<(), ArchiveError> {
        let mut pause = SHORTEST_PAUSE;
        while !cancel.is_cancelled() {
            let ended = cancel.run_until_cancelled(copy::copy(self, &log)).await;
            let Some(Err(error)) = ended else { continue };
            if !error.passes() {
                tracing::error!(%error, "the archive stopped");
                return Err(error);
            }
            // Of two replicas one is second at every commit.
            if matches!(error, ArchiveError::Overtaken) {
                tracing::debug!("another replica was faster");
            } else {
                tracing::warn!(%error, "the archive waits");
            }
            cancel.run_until_cancelled(tokio::time::sleep(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    /// Copies what the log holds by now; gives how many commits the archive had not. A log that
    /// is not the one that was copied is an error, and nothing of it is copied.
    pub async fn complete(&self, log: &Arc<dyn EventLog>) -> Result<u64, ArchiveError> {
        copy::complete(self, log).await
    }

    /// Compares the log with the archive, up to where the archive is, and names the first place
    /// where they differ.
    pub async fn compare(&self, log: &dyn EventLog) -> Result<Compared, ArchiveError> {
        verify::compare(self, log).await
    }

    /// Lets the connections go.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    fn reached(&self, now: Position) {
        self.position.send_if_modified(|before| {
            let further = now > *before;
            *before = now.max(*before);
            further
        });
    }
}

#[cfg(test)]
mod tests;
