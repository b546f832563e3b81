//! The log in one SQLite file: WAL, synced on every commit, one writer, separate readers.

mod bulk;
mod damage;
mod error;
mod open;
mod read;
mod row;
mod schema;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
pub(crate) use bulk::Bulk;
pub(crate) use error::{Trouble, trouble};
use ids::{AggregateId, CommitId};
pub use open::OpenError;
use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
pub use verify::{Verified, VerifyError, verify, verify_file};

use crate::commit::{Head, SealedCommit, Stored};
use crate::log::{
    AppendError, Appended, Durability, EventLog, LogIdentity, Position, ReadError, Tail, admit,
};
use crate::subscription::{Source, Subscription};

/// A log in a file. Clones share it; [`SqliteLog::close`] ends all of them.
#[derive(Clone)]
pub struct SqliteLog {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    path: PathBuf,
    readers: SqlitePool,
    queue: mpsc::Sender<writer::Request>,
    tail: watch::Receiver<Position>,
    stop: CancellationToken,
    stopped: watch::Receiver<bool>,
}

impl SqliteLog {
    /// Opens the log at `path`, or creates it with this identity when there is none.
    pub async fn open(path: &Path, fresh: &LogIdentity) -> Result<Self, OpenError> {
        open::open(path, Some(fresh)).await
    }

    /// Opens the log at `path`; refuses when there is none.
    pub async fn open_existing(path: &Path) -> Result<Self, OpenError> {
        open::open(path, None).await
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    /// Raises the epoch: commits sealed for an older one are fenced from now on.
    pub async fn raise_epoch(&self) -> Result<u32, AppendError> {
        let (answer, reply) = oneshot::channel();
        self.ask(writer::Request::RaiseEpoch { answer }, reply)
            .await
    }

    /// Writes what is queued, then closes every connection. Later calls on any clone fail.
    pub async fn close(&self) {
        self.shared.stop.cancel();
        let mut stopped = self.shared.stopped.clone();
        // An error means that the writer is gone already.
        let _gone = stopped.wait_for(|it| *it).await.is_err();
        self.shared.readers.close().await;
    }

    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.shared.readers
    }

    async fn ask<T>(
        &self,
        request: writer::Request,
        reply: oneshot::Receiver<Result<T, AppendError>>,
    ) -> Result<T, AppendError> {
        let closed = || AppendError::Unavailable("the log is closed".into());
        self.shared
            .queue
            .send(request)
            .await
            .map_err(|_| closed())?;
        reply.await.unwrap_or_else(|_| {
            let why = "the writer stopped before it answered".into();
            Err(AppendError::Ambiguous(why))
        })
    }
}

#[async_trait]
impl Source for Shared {
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ReadError> {
        read::page(self, after, limit).await
    }
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn append(&self, commit: &SealedCommit) -> Result<Appended, AppendError> {
        admit(commit)?;
        let (answer, reply) = oneshot::channel();
        let commit = commit.clone();
        self.ask(writer::Request::Append { commit, answer }, reply)
            .await
    }

    async fn head(&self, aggregate: &AggregateId) -> Result<Head, ReadError> {
        read::head(&self.shared, aggregate).await
    }

    async fn load(
        &self,
        aggregate: &AggregateId,
        after_version: u64,
    ) -> Result<Vec<Stored>, ReadError> {
        read::load(&self.shared, aggregate, after_version).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ReadError> {
        read::page(&self.shared, after, limit).await
    }

    async fn subscribe(&self, after: Position) -> Result<Subscription, ReadError> {
        let live = self.shared.tail.clone();
        // A commit can be readable a moment before it is announced.
        let tail = *live.borrow();
        let tail = if after > tail {
            read::tail(&self.shared).await?.position
        } else {
            tail
        };
        if after > tail {
            return Err(ReadError::Beyond {
                asked: after.0,
                tail: tail.0,
            });
        }
        Ok(Subscription::new(self.shared.clone(), live, after))
    }

    async fn tail(&self) -> Result<Tail, ReadError> {
        read::tail(&self.shared).await
    }

    async fn identity(&self) -> Result<LogIdentity, ReadError> {
        read::identity(&self.shared).await
    }

    async fn resolve(
        &self,
        _aggregate: &AggregateId,
        commit_id: CommitId,
    ) -> Result<Option<Stored>, ReadError> {
        read::resolve(&self.shared, commit_id).await
    }

    fn durability(&self) -> Durability {
        Durability::Fsync
    }
}

#[cfg(test)]
mod tests;
