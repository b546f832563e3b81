//! A git repository on this machine that somebody else keeps: a developer's clone, or the one a
//! CI job made. Only read, and never beyond what was asked for: commits are decoded, trees and
//! files are not touched, so that a clone without them (`--filter=tree:0`) will do.

#![warn(missing_docs)]

mod commit;
mod error;
mod open;
mod range;

pub use commit::{Commit, Person};
pub use error::Error;
pub use open::Repository;
