//! Why a repository cannot be read.

use std::path::PathBuf;

/// Why a repository cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is none, neither here nor in a directory above.
    #[error("{} is no git repository, and none of the directories above is: {detail}", place.display())]
    NoRepository {
        /// Where it was looked for.
        place: PathBuf,
        /// What was found instead.
        detail: String,
    },
    /// Nothing has this name.
    #[error("`{revision}` names no commit in {}: {detail}", place.display())]
    NoSuchRevision {
        /// What was asked for.
        revision: String,
        /// The repository.
        place: PathBuf,
        /// What was found instead.
        detail: String,
    },
    /// It holds what no git would write, or cannot be read.
    #[error("{}: {detail}", place.display())]
    Broken {
        /// The repository.
        place: PathBuf,
        /// What happened.
        detail: String,
    },
}
