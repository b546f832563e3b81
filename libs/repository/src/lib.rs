//! A git repository on this machine that somebody else keeps: a developer's clone, or the one a
//! CI job made. Only read, and never beyond what was asked for: commits are decoded, trees and
//! files are touched only to tell what a commit changes, and a clone without them
//! (`--filter=tree:0`) will do.

#![warn(missing_docs)]

mod between;
mod change;
mod commit;
mod error;
mod open;
mod origin;
mod range;
mod shallow;

pub use between::Between;
pub use change::Changes;
pub use commit::{Commit, Person};
pub use error::Error;
pub use open::Repository;
pub use origin::Origin;
