//! The log as its users see it: append, load, read, subscribe.

use std::fmt;

use async_trait::async_trait;
use ids::{AggregateId, CommitId, Uuid};

use crate::checkpoint::Lie;
use crate::codec::UnknownEvent;
use crate::commit::{Head, SealedCommit, Stored};
use crate::corrupt::{Corrupt, Place};
use crate::subscription::Subscription;

/// A place in the log. Positions strictly increase; 0 is before everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The largest commit that every back end stores, in bytes of its sealed form.
pub const MAX_COMMIT_BYTES: usize = 1 << 20;

/// One authoritative, append-only log. Used as `Arc<dyn EventLog>`.
///
/// Every back end gives the guarantees G1–G15 and passes the suite in `conformance`.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Stores a commit, if it follows the head of its aggregate. Acknowledged means stored as
    /// [`EventLog::durability`] says. The same commit again is acknowledged again and not
    /// stored again, however long ago it was.
    async fn append(&self, commit: &SealedCommit) -> Result<Appended, AppendError>;

    /// The end of an aggregate; [`Head::NONE`] when it has no commits.
    async fn head(&self, aggregate: &AggregateId) -> Result<Head, ReadError>;

    /// All commits of an aggregate after a version, with hash chain and dense versions checked.
    async fn load(
        &self,
        aggregate: &AggregateId,
        after_version: u64,
    ) -> Result<Vec<Stored>, ReadError>;

    /// At most `limit` commits after a position, in order, each with its hash checked. Fewer
    /// can come when they are large.
    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ReadError>;

    /// Everything after a position, then whatever is appended: in order, no gap, no duplicate.
    async fn subscribe(&self, after: Position) -> Result<Subscription, ReadError>;

    /// The last position and the hash of the commit there.
    async fn tail(&self) -> Result<Tail, ReadError>;

    /// Which log this is.
    async fn identity(&self) -> Result<LogIdentity, ReadError>;

    /// Finds a commit by its id: settles what an ambiguous append did. On this aggregate it is
    /// found for ever; on another one as long as guarantee G6 says
    /// (`docs/decisions/0008-commit-ids-on-nats.md`).
    async fn resolve(
        &self,
        aggregate: &AggregateId,
        commit_id: CommitId,
    ) -> Result<Option<Stored>, ReadError>;

    /// What an acknowledged append survives.
    fn durability(&self) -> Durability;
}

/// The answer to an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Where the commit is stored.
    pub position: Position,
    /// Whether it was stored before already.
    pub duplicate: bool,
}

/// The end of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tail {
    /// The last position; 0 for an empty log.
    pub position: Position,
    /// The hash of the commit there; zeros for an empty log.
    pub hash: [u8; 32],
}

/// Which log this is, for ever, and how often it was restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogIdentity {
    /// Given once, when the log was created.
    pub log_id: Uuid,
    /// Raised when a log is restored; writers of an older epoch are fenced.
    pub epoch: u32,
    /// Microseconds since 1970-01-01 UTC.
    pub created_at_us: i64,
}

/// What an acknowledged append survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power cut: every acknowledged commit was synced to the disk.
    Fsync,
    /// The loss of one machine; not a power cut of all of them at once.
    Replicated,
    /// The end of the process, but not of the machine.
    OsBuffered,
    /// Nothing beyond this process.
    Memory,
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fsync => "survives a power cut (synced to disk before it is acknowledged)",
            Self::Replicated => "survives the loss of one machine, not a power cut of all at once",
            Self::OsBuffered => "survives a process kill, not a power cut",
            Self::Memory => "survives nothing: kept in memory",
        })
    }
}

/// Why an append was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another commit has that version: load again and decide again.
    #[error("conflict: the aggregate is at version {actual} now")]
    Conflict {
        /// The aggregate's version.
        actual: u64,
    },
    /// The commit id names another commit already: an idempotency key was used twice.
    #[error("commit id {commit_id} was used before, for {aggregate} version {version}")]
    CommitIdTaken {
        /// The id.
        commit_id: CommitId,
        /// The aggregate of the commit that has it.
        aggregate: AggregateId,
        /// The version of the commit that has it.
        version: u64,
    },
    /// Stored or not stored: ask [`EventLog::resolve`].
    #[error("outcome unknown: {0}; look the commit up by its id before trying again")]
    Ambiguous(String),
    /// Not stored; the log cannot be written at the moment.
    #[error("log unavailable, nothing was stored: {0}")]
    Unavailable(String),
    /// Not stored; the commit will never fit.
    #[error(
        "commit of {bytes} bytes is larger than the {limit} that a log stores; split the command"
    )]
    TooLarge {
        /// Its sealed size.
        bytes: usize,
        /// What fits.
        limit: usize,
    },
    /// Not stored; there is no room. Reads go on, and so do appends once there is room.
    #[error("log full, nothing was stored: {0}")]
    Full(String),
    /// Not stored; the writer belongs to an older epoch of this log and must restart.
    #[error(
        "fenced: the commit is of epoch {commit}, the log is in epoch {log}; restart this process"
    )]
    Fenced {
        /// The epoch sealed into the commit.
        commit: u32,
        /// The epoch of the log.
        log: u32,
    },
    /// The log is damaged where the commit would go.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Not stored; such a commit is never stored.
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// The log is not the one that was read before: this handle writes nothing any more.
    #[error(transparent)]
    Lie(#[from] Lie),
}

/// Why a read gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The log is damaged.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Trying again later can help.
    #[error("log unavailable: {0}")]
    Unavailable(String),
    /// Asked for what follows a place that the log has not reached: it was rewound, or the
    /// place is of another log.
    #[error("LogRewound: asked for what follows {asked}, but the log ends at {tail}")]
    Beyond {
        /// The position or version asked for.
        asked: u64,
        /// Where the log, or the aggregate, ends.
        tail: u64,
    },
    /// An event that this binary does not know.
    #[error(transparent)]
    Unknown(#[from] UnknownEvent),
    /// The log was closed.
    #[error("the log is closed")]
    Closed,
    /// The log is not the one that was read before: this handle reads nothing any more.
    #[error(transparent)]
    Lie(#[from] Lie),
}

/// Checks what no back end stores, whatever its state.
pub fn admit(commit: &SealedCommit) -> Result<(), AppendError> {
    let bytes = commit.bytes().len();
    if bytes > MAX_COMMIT_BYTES {
        let limit = MAX_COMMIT_BYTES;
        return Err(AppendError::TooLarge { bytes, limit });
    }
    if commit.events.is_empty() {
        return Err(AppendError::Forbidden(
            "a commit holds at least one event".into(),
        ));
    }
    if i64::try_from(commit.version).is_err() {
        return Err(AppendError::Forbidden("versions end at 2^63-1".into()));
    }
    Ok(())
}

/// Says whether a commit may follow `head` in a log of `epoch`; back ends call it inside the
/// transaction that stores.
pub fn follows(commit: &SealedCommit, head: &Head, epoch: u32) -> Result<(), AppendError> {
    if commit.epoch != epoch {
        let (commit, log) = (commit.epoch, epoch);
        return Err(AppendError::Fenced { commit, log });
    }
    if commit.version != head.version + 1 {
        let actual = head.version;
        return Err(AppendError::Conflict { actual });
    }
    if commit.prev_hash != head.hash {
        let at = Place::new(&commit.aggregate, commit.version, None).into();
        return Err(Corrupt::BrokenChain { at }.into());
    }
    Ok(())
}

/// Says what appending a commit id means that is stored already.
pub fn repeats(commit: &SealedCommit, stored: &Stored) -> Result<Appended, AppendError> {
    if stored.commit.hash() == commit.hash() {
        return Ok(Appended {
            position: stored.position,
            duplicate: true,
        });
    }
    Err(AppendError::CommitIdTaken {
        commit_id: commit.commit_id,
        aggregate: stored.commit.aggregate.clone(),
        version: stored.commit.version,
    })
}

/// Checks that loaded commits are dense from `after` on and chained; `before` is the hash of
/// the commit at `after`, when it is known.
pub fn chained(
    aggregate: &AggregateId,
    after: u64,
    before: Option<[u8; 32]>,
    commits: &[Stored],
) -> Result<(), Corrupt> {
    let mut before = if after == 0 { Some([0; 32]) } else { before };
    for (expected, stored) in (after + 1..).zip(commits) {
        let commit = &stored.commit;
        let at = || Place::new(aggregate, commit.version, Some(stored.position)).into();
        if commit.version != expected {
            return Err(Corrupt::VersionGap { at: at(), expected });
        }
        if before.is_some_and(|it| it != commit.prev_hash) {
            return Err(Corrupt::BrokenChain { at: at() });
        }
        before = Some(commit.hash());
    }
    Ok(())
}
