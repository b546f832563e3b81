//! What a command comes with, and what comes of it.

use decider::Decider;
use ids::{AggregateId, CommitId, Uuid};

use crate::commit::Head;
use crate::log::{AppendError, Position, ReadError};

/// The idempotency key of a command, as the log knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idempotency {
    /// Derived from caller, method and key ([`ids::derive::commit`]).
    pub commit_id: CommitId,
    /// SHA-256 of the request, so that a reused key is told from a repeated request.
    pub request_hash: [u8; 32],
}

/// Who asks, when, and on behalf of what.
#[derive(Debug, Clone)]
pub struct Context {
    /// An identity's name, or a role.
    pub actor: String,
    /// Microseconds since 1970-01-01 UTC.
    pub now_us: i64,
    /// The request's idempotency key, when it has one.
    pub idempotency: Option<Idempotency>,
    /// What this belongs to.
    pub correlation: Option<Uuid>,
    /// The commit that led to this.
    pub causation: Option<CommitId>,
}

/// An aggregate as it is now.
#[derive(Debug, Clone)]
pub struct Loaded<S> {
    /// Its state.
    pub state: S,
    /// Its end.
    pub head: Head,
}

/// What a command did.
#[derive(Debug, Clone)]
pub struct Done<D: Decider> {
    /// The state after it; for a repeated command the state right after the first time.
    pub state: D::State,
    /// The version after it.
    pub version: u64,
    /// Where the commit is; nothing when the command changed nothing.
    pub position: Option<Position>,
    /// What happened.
    pub events: Vec<D::Event>,
    /// Whether the command had been done before, under the same key.
    pub repeated: bool,
}

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R> {
    /// The domain refuses it. Trying again changes nothing.
    #[error("{0}")]
    Rejected(R),
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used before for another request; use a new key")]
    Reused,
    /// Other commands on the same aggregate were faster, five times.
    #[error("others changed {0} at the same time, five times in a row; try again")]
    Lost(AggregateId),
    /// It may or may not have been done: repeat it with the same key.
    #[error("it is not known whether the command was done; repeat it with the same key")]
    OutcomeUnknown,
    /// The log refused or gave no answer.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// What the log said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// To an append.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// To a read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl<R> From<AppendError> for ExecuteError<R> {
    fn from(error: AppendError) -> Self {
        Self::Log(error.into())
    }
}

impl<R> From<ReadError> for ExecuteError<R> {
    fn from(error: ReadError) -> Self {
        Self::Log(error.into())
    }
}
