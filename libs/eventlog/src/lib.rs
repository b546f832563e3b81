//! The append-only event log: sealed commits in hash chains, one per aggregate; the back ends
//! that keep them; and what runs on them: repositories that decide, projectors that build read
//! models, process runners that act.
//!
//! A log can be truncated, rewound, forked, swapped or edited. Each of these is named
//! ([`Corrupt`], [`Lie`]) and never skipped.

#![warn(missing_docs)]

pub use decider;

mod codec;
mod commit;
mod consumed;
mod corrupt;
mod log;
mod subscription;

pub mod mem;
pub mod nats;
pub mod sim;
pub mod sqlite;

pub mod archive;
mod checkpoint;
pub mod export;
pub mod import;
pub mod lease;
pub mod lock;
pub mod observer;

pub mod process;
pub mod projector;
pub mod repository;

#[cfg(test)]
mod cluster;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use checkpoint::{CheckError, Checkpoint, Lie, check};
pub use codec::{Codec, UnknownEvent};
pub use commit::{Body, Draft, EventRecord, Head, SealedCommit, Stored};
pub use consumed::Consumed;
pub use corrupt::{Corrupt, Place};
pub use log::{
    AppendError, Appended, Durability, EventLog, LogIdentity, MAX_COMMIT_BYTES, Position,
    ReadError, Tail, admit, chained, follows, repeats,
};
pub use mem::MemLog;
pub use nats::NatsLog;
pub use projector::{Projection, Projector};
pub use repository::{Context, Done, ExecuteError, Idempotency, Loaded, LogError, Repository};
pub use sim::SimLog;
pub use sqlite::SqliteLog;
pub use subscription::{Item, PAGE_BYTES, Source, Subscription};
