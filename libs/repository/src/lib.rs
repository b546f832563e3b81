//! A git repository on this machine that somebody else keeps: a developer's clone, or the one a
//! CI job made. Only read, and never beyond what was asked for: commits are decoded, trees only
//! where paths are asked about, files only to tell what a commit changes, and a clone without
//! them (`--filter=tree:0`) will do.

#![warn(missing_docs)]

mod between;
mod branches;
mod change;
mod each;
mod error;
mod head;
mod open;
mod paint;
mod paths;
mod range;
mod reach;
mod remote;
mod shallow;
mod tags;

pub use between::Between;
pub use branches::Branch;
pub use change::Changes;
pub use error::Error;
pub use open::Repository;
pub use tags::Tag;
pub use versioning::commit::{Commit, Person};
