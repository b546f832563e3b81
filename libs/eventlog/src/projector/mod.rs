//! Read models: rows made of the log, kept with the position they were made at.

mod compare;
mod database;
mod file;
mod filling;
mod past;
mod postgres;
mod reads;
mod rows;
mod run;
mod sql;
mod store;
mod table;

use std::sync::Arc;

use async_trait::async_trait;
pub use compare::{Difference, Kind};
pub use database::Database;
pub use filling::Progress;
use filling::{PAGE, fill, follow};
pub use past::{Past, position_at};
pub(crate) use postgres::{ANSWERS, passes, silent};
pub use postgres::{PgReads, Server, ServerError};
pub use reads::{Answer, Question, Reads, ReadsError};
pub use rows::Rows;
pub use run::{Projector, WaitError};
use sha2::{Digest as _, Sha256};
pub use table::{Cell, Column, Holds, Index, Row, Table};

use crate::checkpoint::{CheckError, Checkpoint, Lie};
use crate::codec::UnknownEvent;
use crate::commit::Stored;
use crate::corrupt::Place;
use crate::lease::Pool;
use crate::log::{EventLog, ReadError};

/// One read model: what its tables are and what a commit does to them.
#[async_trait]
pub trait Projection: Send + Sync + 'static {
    /// Named in messages.
    fn name(&self) -> &'static str;

    /// Its tables. No other projection of the role writes them.
    fn tables(&self) -> &'static [Table];

    /// Raised whenever `apply` makes other rows of the same commits: then everything is
    /// rebuilt.
    fn fold_version(&self) -> u32;

    /// Writes what a commit means. Only of the commit and of rows written before: no clock, no
    /// randomness, so that a rebuild writes the same.
    async fn apply(&self, rows: &mut Rows<'_>, stored: &Stored) -> Result<(), ApplyError>;
}

/// Makes the read models anew from the beginning of the log, then puts them in place of those in
/// use in one step. What is in use stays in use until then, and when anything fails. A SQLite
/// file must have no projector meanwhile; a PostgreSQL schema may.
pub async fn rebuild(
    database: &Database,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
    progress: Progress<'_>,
) -> Result<Checkpoint, ProjectorError> {
    match database {
        Database::File(path) => file::rebuild(path, log, projections, progress).await,
        Database::Postgres(server) => postgres::rebuild(server, log, projections, progress).await,
    }
}

/// Finds every row that the log does not make, at most 1,000 of a kind per table. The database
/// may be in use: its rows are compared as of one moment.
pub async fn verify(
    database: &Database,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<Vec<Difference>, ProjectorError> {
    match database {
        Database::File(path) => file::verify(path, log, projections).await,
        Database::Postgres(server) => postgres::verify(server, log, projections).await,
    }
}

/// Where the leases of a role are kept: beside its read models.
pub(crate) async fn lease_pool(database: &Database) -> Result<Pool, ProjectorError> {
    Ok(match database {
        Database::File(path) => Pool::Sqlite(file::leases(path).await?),
        Database::Postgres(server) => Pool::Postgres(postgres::leases(server).await?),
    })
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
    #[error("read database {database}: {why}")]
    Database {
        /// The file, or the server and schema.
        database: String,
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
        for table in projection.tables() {
            hash.update(sql::table(table, sql::Dialect::Sqlite));
            hash.update(sql::indexes(table));
        }
        hash.update([0]);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
