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
    /// It is stored in a way that cannot be read here.
    #[error("{}: repositories with {what} cannot be read yet", place.display())]
    Unsupported {
        /// The repository.
        place: PathBuf,
        /// How it is stored.
        what: &'static str,
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
    /// A list of commits would end where the clone does, and not where it should.
    #[error(
        "{} is a shallow clone: its history ends at {end}, which is too early to say what is between \
         these two",
        place.display()
    )]
    Shallow {
        /// The repository.
        place: PathBuf,
        /// Where its history ends.
        end: ids::Oid,
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
