//! The log in a JetStream stream: one message per commit, one subject per aggregate, every write
//! guarded by the position of the commit before it.
//!
//! Nothing that the server says is taken on trust: its version and the stream's settings are
//! checked, duplicate acknowledgements are read back, and a log that lost its end, was replaced
//! or changed halts the handle ([`NatsLog::halted`]).

mod api;
mod append;
mod connect;
mod cursor;
mod error;
mod follow;
mod guard;
mod known;
mod message;
mod open;
mod options;
pub mod permissions;
mod policy;
mod publish;
mod read;
mod recent;
mod restore;
mod stream;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
pub use error::OpenError;
pub(crate) use error::mend;
use ids::{AggregateId, CommitId};
pub use open::create;
pub use options::{Options, Place, Profile, Timeouts};
pub use restore::{Restored, next_identity, restore};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::checkpoint::Lie;
use crate::commit::{Head, SealedCommit, Stored};
use crate::log::{
    AppendError, Appended, Durability, EventLog, LogIdentity, Position, ReadError, Tail, admit,
};
use crate::subscription::{Source, Subscription};
use append::Counts;
use cursor::Cursor;

/// A log on NATS. Clones share it; [`NatsLog::close`] ends all of them.
#[derive(Clone)]
pub struct NatsLog {
    held: Arc<Held>,
}

/// Ends the tasks once no handle and no subscription is left.
struct Held {
    shared: Arc<Shared>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// What handles, subscriptions and tasks share.
struct Shared {
    client: async_nats::Client,
    api: api::Api,
    link: Arc<connect::Link>,
    identity: LogIdentity,
    stream: String,
    prefix: String,
    wanted: async_nats::jetstream::stream::Config,
    durability: Durability,
    stop: CancellationToken,
    /// The last position known; never goes back.
    tail: watch::Sender<Position>,
    /// Up to where ids were noted.
    followed: watch::Sender<u64>,
    /// Why it does not get on with that; empty while it does.
    unfollowed: Mutex<String>,
    /// The connection at which the log was last found to be itself.
    confirmed: watch::Sender<Option<u64>>,
    halt: watch::Sender<Option<Lie>>,
    said: watch::Sender<Option<String>>,
    newer: watch::Sender<Option<u32>>,
    /// The stream that takes this one's place, while a restore fills it.
    restoring: watch::Sender<Option<String>>,
    shelf: Mutex<known::Shelf>,
    recent: Mutex<recent::Recent>,
    /// The highest commit seen: it must stay where it is.
    highest: Mutex<Tail>,
    reader: tokio::sync::Mutex<Cursor>,
    counts: Counts,
}

impl NatsLog {
    /// Opens the log: connects, finds its stream, and refuses a server or a stream that is not
    /// as it must be.
    pub async fn open(options: &Options) -> Result<Self, OpenError> {
        open::open(options).await
    }

    /// Opens a log to see what it holds, whatever the settings of its stream: before it is
    /// replaced. It halts when they change once more. One that does not say which log it is counts
    /// as `presumed`.
    pub async fn open_as_it_is(
        options: &Options,
        presumed: &LogIdentity,
    ) -> Result<Self, OpenError> {
        open::open_as_it_is(options, presumed).await
    }

    /// Why this handle serves nothing any more; it never serves again. The process opens the
    /// log anew once the operator has put it right.
    pub fn halted(&self) -> watch::Receiver<Option<String>> {
        self.held.shared.said.subscribe()
    }

    /// A later epoch of this log, once there is one: restart, or open the log anew.
    pub fn newer_epoch(&self) -> watch::Receiver<Option<u32>> {
        self.held.shared.newer.subscribe()
    }

    /// How often the server refused an append because another was first, by its error code; 0
    /// is a message id that another commit had used.
    pub fn conflicts(&self) -> Vec<(u64, u64)> {
        self.held.shared.counts.conflicts()
    }

    /// The version of the server that this is connected to.
    pub fn server_version(&self) -> String {
        self.held.shared.client.server_info().version
    }

    /// Whether a server is connected and the log was found to be itself since.
    pub fn is_reachable(&self) -> bool {
        self.held.shared.is_confirmed()
    }

    /// Ends tasks and connection. Later calls on any clone fail.
    pub async fn close(&self) {
        let shared = &self.held.shared;
        shared.stop.cancel();
        shared.wake();
        // Gone already is as good.
        let _gone = shared.client.drain().await.is_err();
    }
}

impl Shared {
    /// Locks what is only ever changed whole.
    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The reason to answer nothing, if there is one.
    fn serves(&self) -> Result<(), ReadError> {
        if let Some(lie) = self.halt.borrow().as_ref() {
            return Err(lie.clone().into());
        }
        if self.stop.is_cancelled() {
            return Err(ReadError::Closed);
        }
        Ok(())
    }

    /// The reason to give a call no answer: while the log is restored, every call can be
    /// repeated, whatever became of this handle.
    fn answers(&self) -> Result<(), ReadError> {
        if let Some(stream) = self.restoring.borrow().as_ref() {
            return Err(ReadError::Unavailable(format!(
                "the log is being restored into stream {stream}; this process goes on by itself \
                 once that is done"
            )));
        }
        self.serves()
    }

    /// Takes note of a commit that is stored.
    fn note(&self, position: u64, commit: &SealedCommit) {
        Self::lock(&self.shelf).note(position, commit);
        self.saw(position, commit.commit_id, commit.hash());
    }

    fn saw(&self, position: u64, commit_id: CommitId, hash: [u8; 32]) {
        Self::lock(&self.recent).note(commit_id, position);
        let mut highest = Self::lock(&self.highest);
        if position > highest.position.0 {
            highest.position = Position(position);
            highest.hash = hash;
        }
        drop(highest);
        self.tail.send_if_modified(|it| {
            let moved = position > it.0;
            it.0 = it.0.max(position);
            moved
        });
    }

    /// Lets waiting subscriptions look whether the log still serves.
    fn wake(&self) {
        self.tail.send_modify(|_| ());
        self.link.changes.send_modify(|_| ());
    }
}

/// A subscription's own reader.
struct Reader {
    held: Arc<Held>,
    cursor: tokio::sync::Mutex<Cursor>,
}

#[async_trait]
impl Source for Reader {
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ReadError> {
        let shared = &self.held.shared;
        let mut cursor = self.cursor.lock().await;
        loop {
            shared.serves()?;
            let last = shared.tail.borrow().0;
            let ground = shared.ground();
            let taking = cursor.take(&ground, after.0, last, limit);
            // A live reader outlasts any absence of the servers.
            match shared.unless_halted(taking).await {
                Err(ReadError::Unavailable(why)) => {
                    tracing::debug!(%why, "a subscription waits for NATS");
                    tokio::time::sleep(follow::PAUSE).await;
                }
                other => return other,
            }
        }
    }

    fn check(&self) -> Result<(), ReadError> {
        self.held.shared.serves()
    }
}

#[async_trait]
impl EventLog for NatsLog {
    async fn append(&self, commit: &SealedCommit) -> Result<Appended, AppendError> {
        admit(commit)?;
        self.held.shared.append(commit).await
    }

    async fn head(&self, aggregate: &AggregateId) -> Result<Head, ReadError> {
        self.held.shared.head(aggregate).await
    }

    async fn load(
        &self,
        aggregate: &AggregateId,
        after_version: u64,
    ) -> Result<Vec<Stored>, ReadError> {
        self.held.shared.load(aggregate, after_version).await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.held.shared.page(after, limit).await
    }

    async fn subscribe(&self, after: Position) -> Result<Subscription, ReadError> {
        let shared = &self.held.shared;
        let tail = shared.tail_position().await?;
        if after.0 > tail {
            let asked = after.0;
            return Err(ReadError::Beyond { asked, tail });
        }
        let reader = Reader {
            held: self.held.clone(),
            cursor: tokio::sync::Mutex::default(),
        };
        let live = shared.tail.subscribe();
        Ok(Subscription::new(Arc::new(reader), live, after))
    }

    async fn tail(&self) -> Result<Tail, ReadError> {
        self.held.shared.tail().await
    }

    async fn identity(&self) -> Result<LogIdentity, ReadError> {
        self.held.shared.answers()?;
        Ok(self.held.shared.identity)
    }

    async fn resolve(
        &self,
        aggregate: &AggregateId,
        commit_id: CommitId,
    ) -> Result<Option<Stored>, ReadError> {
        self.held.shared.resolve(aggregate, commit_id).await
    }

    fn durability(&self) -> Durability {
        self.held.shared.durability
    }
}

#[cfg(test)]
mod tests;
