//! Rows and checkpoint, written together.

use ids::Uuid;
use sqlx::postgres::{PgConnection, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection as _, Transaction};

use super::rows::{Rows, Source, Staged, ddl};
use super::sql::Dialect;
use super::{ApplyError, Projection, ProjectorError, shape};
use crate::checkpoint::Checkpoint;
use crate::commit::Stored;
use crate::corrupt::Place;
use crate::log::Position;

/// Rows in memory before they are written, while a database is made that nobody uses yet.
pub(super) const BULK_ROWS: usize = 50_000;

const CHECKPOINT: &str =
    "SELECT log_id, epoch, position, hash, fold_version FROM towpath_checkpoint";
const START: &str = "INSERT INTO towpath_checkpoint (\"only\", log_id, epoch, position, hash, \
     fold_version) VALUES (1, $1, $2, $3, $4, $5)";
const ADVANCE: &str = "UPDATE towpath_checkpoint SET epoch = $1, position = $2, hash = $3 \
     WHERE position = $4 AND fold_version = $5";

const SQLITE_SYSTEM: &str = "CREATE TABLE towpath_checkpoint (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log_id BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  position INTEGER NOT NULL,
  hash BLOB NOT NULL,
  fold_version BLOB NOT NULL
) STRICT;
";

const POSTGRES_SYSTEM: &str = "CREATE TABLE towpath_checkpoint (
  \"only\" BIGINT PRIMARY KEY CHECK (\"only\" = 1),
  log_id BYTEA NOT NULL,
  epoch BIGINT NOT NULL,
  position BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  fold_version BYTEA NOT NULL
);
";

pub(super) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

enum Begun<'a> {
    Sqlite(Transaction<'a, Sqlite>),
    Postgres(Transaction<'a, Postgres>),
}

/// The one writer of a read database.
pub(super) struct Store {
    pub(super) connection: Connection,
    /// As it is written.
    pub(super) checkpoint: Checkpoint,
    /// The end of what is in memory; beyond the checkpoint only while filling in bulk.
    pub(super) folded: Checkpoint,
    /// The shape that the rows were made with.
    pub(super) shape: [u8; 32],
    staged: Staged,
}

impl Store {
    /// Makes tables, without indexes, in a database that has none of them yet.
    pub(super) async fn create(
        mut connection: Connection,
        projections: &[Box<dyn Projection>],
        start: Checkpoint,
    ) -> Result<Self, ProjectorError> {
        let dialect = connection.dialect();
        let system = match dialect {
            Dialect::Sqlite => SQLITE_SYSTEM,
            Dialect::Postgres => POSTGRES_SYSTEM,
        };
        connection.run(system.to_owned()).await?;
        connection.run(ddl(projections, dialect).0).await?;
        let shape = shape(projections);
        connection.start(&start, shape).await?;
        Ok(Self {
            connection,
            checkpoint: start,
            folded: start,
            shape,
            staged: Staged::new(projections, true),
        })
    }

    /// Takes up a database where it was left.
    pub(super) async fn resume(
        mut connection: Connection,
        projections: &[Box<dyn Projection>],
    ) -> Result<Self, sqlx::Error> {
        let (checkpoint, shape) = connection.checkpoint().await?;
        Ok(Self {
            connection,
            checkpoint,
            folded: checkpoint,
            shape,
            staged: Staged::new(projections, false),
        })
    }

    /// Applies commits and moves the checkpoint, all or nothing; but when one of them stops a
    /// projection, those before it are applied.
    pub(super) async fn apply(
        &mut self,
        projections: &[Box<dyn Projection>],
        commits: &[Stored],
    ) -> Result<(), ProjectorError> {
        let applied = self.apply_all(projections, commits).await;
        self.staged.clear();
        if let Err(ProjectorError::Stopped { at, .. }) = &applied {
            let before = |it: &&Stored| at.position.is_some_and(|at| it.position < at);
            let count = commits.iter().take_while(before).count();
            if count > 0 {
                self.apply_all(projections, &commits[..count]).await?;
                self.staged.clear();
            }
        }
        applied
    }

    async fn apply_all(
        &mut self,
        projections: &[Box<dyn Projection>],
        commits: &[Stored],
    ) -> Result<(), ProjectorError> {
        let next = after(&self.checkpoint, commits);
        let mut begun = self.connection.begin().await?;
        // First, so that everything below is read and written with the checkpoint in hand.
        if !begun.advance(&self.checkpoint, &next, self.shape).await? {
            return Err(ProjectorError::Overtaken);
        }
        let mut rows = Rows::new(&mut self.staged, begun.source());
        fold(projections, &mut rows, commits).await?;
        self.staged.write(&mut begun.source()).await?;
        begun.commit().await?;
        (self.checkpoint, self.folded) = (next, next);
        Ok(())
    }

    /// Applies commits in memory and writes now and then: for a database that nobody uses
    /// before [`Store::settle`].
    pub(super) async fn fill(
        &mut self,
        projections: &[Box<dyn Projection>],
        commits: &[Stored],
    ) -> Result<(), ProjectorError> {
        let mut rows = Rows::new(&mut self.staged, self.connection.source());
        fold(projections, &mut rows, commits).await?;
        self.folded = after(&self.folded, commits);
        if self.staged.len() > BULK_ROWS {
            self.settle().await?;
        }
        Ok(())
    }

    /// Writes what is in memory.
    pub(super) async fn settle(&mut self) -> Result<(), ProjectorError> {
        let mut begun = self.connection.begin().await?;
        let (now, next) = (self.checkpoint, self.folded);
        if !begun.advance(&now, &next, self.shape).await? {
            return Err(ProjectorError::Overtaken);
        }
        self.staged.write(&mut begun.source()).await?;
        begun.commit().await?;
        self.staged.clear();
        self.checkpoint = self.folded;
        Ok(())
    }

    /// Makes the indexes, which is faster once the rows are there.
    pub(super) async fn index(
        &mut self,
        projections: &[Box<dyn Projection>],
    ) -> Result<(), ProjectorError> {
        let indexes = ddl(projections, self.connection.dialect()).1;
        Ok(self.connection.run(indexes).await?)
    }

    /// Closes the connection; everything is written afterwards.
    pub(super) async fn close(self) -> Result<(), ProjectorError> {
        match self.connection {
            Connection::Sqlite(it) => it.close().await?,
            Connection::Postgres(it) => it.close().await?,
        }
        Ok(())
    }
}

impl Connection {
    fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(super) fn source(&mut self) -> Source<'_> {
        match self {
            Self::Sqlite(it) => Source::Sqlite(it),
            Self::Postgres(it) => Source::Postgres(it),
        }
    }

    /// Runs statements of this program.
    pub(super) async fn run(&mut self, statements: String) -> Result<(), sqlx::Error> {
        let all = sqlx::raw_sql(AssertSqlSafe(statements));
        match self {
            Self::Sqlite(it) => {
                all.execute(it).await?;
            }
            Self::Postgres(it) => {
                all.execute(it).await?;
            }
        }
        Ok(())
    }

    async fn begin(&mut self) -> Result<Begun<'_>, sqlx::Error> {
        Ok(match self {
            // Reading first and writing then can fail at once instead of waiting.
            Self::Sqlite(it) => Begun::Sqlite(it.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(it) => Begun::Postgres(it.begin().await?),
        })
    }

    async fn start(&mut self, at: &Checkpoint, shape: [u8; 32]) -> Result<(), sqlx::Error> {
        macro_rules! insert {
            ($on:expr) => {
                sqlx::query(START)
                    .bind(&at.log_id.as_bytes()[..])
                    .bind(i64::from(at.epoch))
                    .bind(at.position.0.cast_signed())
                    .bind(&at.hash[..])
                    .bind(&shape[..])
                    .execute($on)
                    .await?;
            };
        }
        match self {
            Self::Sqlite(it) => {
                insert!(it);
            }
            Self::Postgres(it) => {
                insert!(it);
            }
        }
        Ok(())
    }

    /// What the database says about itself.
    pub(super) async fn checkpoint(&mut self) -> Result<(Checkpoint, [u8; 32]), sqlx::Error> {
        let found: (Vec<u8>, i64, i64, Vec<u8>, Vec<u8>) = match self {
            Self::Sqlite(it) => sqlx::query_as(CHECKPOINT).fetch_one(it).await?,
            Self::Postgres(it) => sqlx::query_as(CHECKPOINT).fetch_one(it).await?,
        };
        let (log_id, epoch, position, hash, shape) = found;
        let wrong = |what: &str| sqlx::Error::Decode(format!("checkpoint: {what}").into());
        let checkpoint = Checkpoint {
            log_id: Uuid::from_slice(&log_id).map_err(|_| wrong("log_id"))?,
            epoch: u32::try_from(epoch).map_err(|_| wrong("epoch"))?,
            position: Position(u64::try_from(position).map_err(|_| wrong("position"))?),
            hash: hash.try_into().map_err(|_| wrong("hash"))?,
        };
        let shape = shape.try_into().map_err(|_| wrong("fold_version"))?;
        Ok((checkpoint, shape))
    }
}

impl Begun<'_> {
    fn source(&mut self) -> Source<'_> {
        match self {
            Self::Sqlite(it) => Source::Sqlite(it),
            Self::Postgres(it) => Source::Postgres(it),
        }
    }

    /// Moves the checkpoint, if it is where it was left; nobody else can move it until the end
    /// of the transaction.
    async fn advance(
        &mut self,
        from: &Checkpoint,
        to: &Checkpoint,
        shape: [u8; 32],
    ) -> Result<bool, sqlx::Error> {
        macro_rules! update {
            ($on:expr) => {
                sqlx::query(ADVANCE)
                    .bind(i64::from(to.epoch))
                    .bind(to.position.0.cast_signed())
                    .bind(&to.hash[..])
                    .bind(from.position.0.cast_signed())
                    .bind(&shape[..])
                    .execute($on)
                    .await?
                    .rows_affected()
            };
        }
        let moved = match self {
            Self::Sqlite(it) => update!(&mut **it),
            Self::Postgres(it) => update!(&mut **it),
        };
        Ok(moved == 1)
    }

    async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(it) => it.commit().await,
            Self::Postgres(it) => it.commit().await,
        }
    }
}

/// Lets every projection see every commit.
pub(super) async fn fold(
    projections: &[Box<dyn Projection>],
    rows: &mut Rows<'_>,
    commits: &[Stored],
) -> Result<(), ProjectorError> {
    for stored in commits {
        for projection in projections {
            projection
                .apply(rows, stored)
                .await
                .map_err(|why| stopped(projection.name(), stored, why))?;
        }
    }
    Ok(())
}

/// Where a reader is after more commits.
fn after(before: &Checkpoint, commits: &[Stored]) -> Checkpoint {
    commits.last().map_or(*before, |last| Checkpoint {
        log_id: before.log_id,
        epoch: before.epoch.max(last.commit.epoch),
        position: last.position,
        hash: last.commit.hash(),
    })
}

fn stopped(projection: &'static str, stored: &Stored, why: ApplyError) -> ProjectorError {
    if let ApplyError::Sql(error) = why {
        return ProjectorError::Sql(error);
    }
    let commit = &stored.commit;
    ProjectorError::Stopped {
        projection,
        at: Place::new(&commit.aggregate, commit.version, Some(stored.position)).into(),
        why,
    }
}
