//! A long-lived bare mirror of one repository, and the one writer of one of its branches.
//!
//! [`Mirror`] reads: tips, files, ancestry, facts about commits. [`Writer`] writes: it queues
//! changes, stacks them as one commit each and publishes a whole batch in one atomic push. A
//! change is a pure function of file contents, so a lost race is answered by running it again on
//! the new head: nothing is ever rebased or merged. A change that already stands in the branch
//! is found by its trailer and not written twice, whatever died in between.
//!
//! Objects are read and made with `gix`; fetch and push are the `git` command (`command.rs`).

#![warn(missing_docs)]

mod address;
mod error;

mod command;
mod refused;

mod commits;
mod copy;
mod fetch;
mod mirror;
mod open;
mod read;
mod relation;
mod remote_tags;

mod actor;
mod answer;
mod change;
mod limits;
mod message;
mod pack;
mod path;
mod published;
mod push;
mod stack;
mod stage;
mod writer;

mod seed;

pub use change::{Author, Change, EditFn, EditOutcome, FileEdit, Published, WriteError};
pub use commits::CommitFacts;
pub use error::GitError;
pub use limits::Limits;
pub use mirror::{Mirror, Options, Tip};
pub use read::blob_id;
pub use relation::Relation;
pub use remote_tags::{RemoteTag, remote_tags};
pub use seed::{init_bare, seed};
pub use writer::{Clock, Stats, Writer};
