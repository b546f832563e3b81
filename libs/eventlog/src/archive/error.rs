//! Why an archive is not written or read.

use crate::checkpoint::{CheckError, Lie};
use crate::corrupt::Corrupt;
use crate::log::ReadError;
use crate::projector::{ProjectorError, passes};

/// Why an archive is not written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The database cannot be used.
    #[error("archive: {0}")]
    Database(Box<ProjectorError>),
    /// The database failed.
    #[error("archive: {0}")]
    Sql(#[from] sqlx::Error),
    /// The log is not the one that was copied.
    #[error(transparent)]
    Lie(#[from] Lie),
    /// The log is damaged or gave no answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A row of the archive is not what was copied.
    #[error("the archive is damaged: {0}")]
    Damaged(Corrupt),
    /// Another replica copied the same commits first.
    #[error("another replica was faster")]
    Overtaken,
}

impl ArchiveError {
    pub(super) fn database(error: ProjectorError) -> Self {
        Self::Database(error.into())
    }

    /// Whether trying again can help without a person.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Sql(error) => passes(error),
            Self::Read(ReadError::Unavailable(_)) | Self::Overtaken => true,
            Self::Read(_) | Self::Database(_) | Self::Lie(_) | Self::Damaged(_) => false,
        }
    }
}

impl From<CheckError> for ArchiveError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Lie(lie) => Self::Lie(lie),
            CheckError::Read(read) => Self::Read(read),
        }
    }
}
