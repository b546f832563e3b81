//! Read models: rows made of the log, kept with the position they were made at.

mod rebuild;
mod run;
mod store;
mod verify;

use std::sync::Arc;

use async_trait::async_trait;
pub use rebuild::rebuild;
pub use run::{Projector, WaitError};
use sha2::{Digest as _, Sha256};
use sqlx::SqliteConnection;
pub use verify::{Difference, Kind, verify};

use crate::checkpoint::{CheckError, Lie};
use crate::codec::UnknownEvent;
use crate::commit::Stored;
use crate::corrupt::Place;
use crate::log::ReadError;

/// A table of a projection, and the columns that identify a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// The columns that no two rows share.
    pub key: &'static [&'static str],
}

/// One read model: what its tables are and what a commit does to them.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// Named in messages.
    fn name(&self) -> &'static str;

    /// Its tables, for comparing them.
    fn tables(&self) -> &'static [Table];

    /// The statements that create its tables and indexes.
    fn ddl(&self) -> &'static str;

    /// Raised whenever `apply` makes other rows of the same commits: then everything is
    /// rebuilt.
    fn fold_version(&self) -> u32;

    /// Writes what a commit means. Only of the commit and of rows written before: no clock, no
    /// randomness, so that a rebuild writes the same.
    async fn apply(&self, conn: &mut SqliteConnection, stored: &Stored) -> Result<(), ApplyError>;
}

/// Why a commit could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// An event that this binary does not know.
    #[error(transparent)]
    Unknown(#[from] UnknownEvent),
    /// The read database.
    #[error("read database: {0}")]
    Sql(#[from] sqlx::Error),
    /// The commit contradicts what was applied before.
    #[error("{0}")]
    Wrong(String),
}

/// Why a projector cannot work.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// A commit could not be applied; nothing after it is applied either.
    #[error("projection `{projection}` stopped at {at}: {why}")]
    Stopped {
        /// Which projection.
        projection: &'static str,
        /// Which commit.
        at: Box<Place>,
        /// Why.
        why: ApplyError,
    },
    /// The log is not the one that was read before.
    #[error(transparent)]
    Lie(#[from] Lie),
    /// The log is damaged or gave no answer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The read database cannot be used.
    #[error("read database {path}: {why}")]
    Database {
        /// The file.
        path: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// The read database failed.
    #[error("read database: {0}")]
    Sql(#[from] sqlx::Error),
    /// Another projector wrote the same read database.
    #[error("another process wrote the read database at the same time: end that process")]
    Overtaken,
}

impl From<CheckError> for ProjectorError {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Lie(lie) => Self::Lie(lie),
            CheckError::Read(read) => Self::Read(read),
        }
    }
}

/// All projections of a read database.
pub type Projections = Arc<[Box<dyn Projection>]>;

/// What rows depend on beside the log: tables and fold versions. Another shape is rebuilt.
pub(crate) fn shape(projections: &[Box<dyn Projection>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for projection in projections {
        hash.update(projection.name());
        hash.update([0]);
        hash.update(projection.fold_version().to_be_bytes());
        hash.update(projection.ddl());
        hash.update([0]);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
