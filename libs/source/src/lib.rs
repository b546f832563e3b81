//! The repositories Towpath reads: the manifests as they are at a commit, and which of two
//! commits of an application's own repository comes after the other.

#![warn(missing_docs)]

mod ancestry;
mod between;
mod desk;

pub use ancestry::{Ancestry, Histories};
pub use between::{BetweenError, changelog};
pub use desk::{Desk, DeskError, Snapshot};
