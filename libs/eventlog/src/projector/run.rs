//! Keeping a read database at the end of the log.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::SqlitePoolOptions;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::database::Database;
use super::file::{self, Speed};
use super::reads::Reads;
use super::store::Store;
use super::{Projection, Projections, ProjectorError, postgres, shape};
use crate::checkpoint::check;
use crate::commit::Stored;
use crate::log::{EventLog, Position, ReadError};
use crate::sqlite::{Trouble, trouble};
use crate::subscription::Subscription;

/// Commits per transaction while catching up. Live, each commit is applied as it comes.
const BATCH: usize = 512;

/// Queries at once.
const READERS: u32 = 4;

/// The first pause before trying again after trouble that passes; it doubles each time.
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);

/// How often in a row a table may be missing because a rebuild takes its place just now; more
/// often it is missing because somebody removed it.
const SWITCHES: u32 = 10;

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The read models of a log.
pub struct Projector {
    database: Database,
    log: Arc<dyn EventLog>,
    projections: Projections,
    store: Mutex<Store>,
    reads: Reads,
    position: watch::Sender<Position>,
    stopped: watch::Sender<Option<String>>,
}

/// Why a position was not reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WaitError {
    /// Not in time.
    #[error("the read model is at position {at}, not yet at {wanted}; try again")]
    TimedOut {
        /// Where it is.
        at: Position,
        /// Where it should be.
        wanted: Position,
    },
    /// The projector stopped and will not get there.
    #[error("the read model stopped: {0}")]
    Stopped(String),
}

impl Projector {
    /// Opens the read database of a log; makes it when it is missing, damaged or of another
    /// shape. Refuses a log that is not the one it was made of.
    pub async fn open(
        database: &Database,
        log: Arc<dyn EventLog>,
        projections: Vec<Box<dyn Projection>>,
    ) -> Result<Self, ProjectorError> {
        let projections: Projections = projections.into();
        let store = match database {
            Database::File(path) => open_file(path, &log, &projections).await?,
            Database::Postgres(server) => postgres::open(server, &log, &projections).await?,
        };
        let reads = match database {
            Database::File(path) => {
                let options = file::options(path, Speed::Live).pragma("query_only", "on");
                let pool = SqlitePoolOptions::new().max_connections(READERS);
                Reads::Sqlite(pool.connect_with(options).await?)
            }
            Database::Postgres(server) => Reads::Postgres(server.reads().await?),
        };
        let position = watch::Sender::new(store.checkpoint.position);
        Ok(Self {
            database: database.clone(),
            log,
            projections,
            store: Mutex::new(store),
            reads,
            position,
            stopped: watch::Sender::new(None),
        })
    }

    /// Where the rows are.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Where the read models are; changes after the rows can be read.
    pub fn position(&self) -> watch::Receiver<Position> {
        self.position.subscribe()
    }

    /// Why the projector stopped, when it did.
    pub fn stopped(&self) -> watch::Receiver<Option<String>> {
        self.stopped.subscribe()
    }

    /// Connections that can only query.
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// Waits until the read models hold everything up to a position.
    pub async fn wait_for(&self, wanted: Position, timeout: Duration) -> Result<(), WaitError> {
        let mut position = self.position.subscribe();
        let mut stopped = self.stopped.subscribe();
        let reached = async {
            tokio::select! {
                biased;
                _ = position.wait_for(|it| *it >= wanted) => Ok(()),
                why = stopped.wait_for(Option::is_some) => {
                    let why = why.ok().and_then(|it| it.clone());
                    Err(WaitError::Stopped(why.unwrap_or_default()))
                }
            }
        };
        tokio::time::timeout(timeout, reached)
            .await
            .unwrap_or_else(|_| {
                let at = *self.position.borrow();
                Err(WaitError::TimedOut { at, wanted })
            })
    }

    /// Applies commits as they come, until cancelled or until one cannot be applied. Trouble
    /// that passes, such as a full disk, is waited out.
    pub async fn run(&self, cancel: CancellationToken) -> Result<(), ProjectorError> {
        let ended = self.follow(&cancel).await;
        if let Err(error) = &ended {
            tracing::error!(%error, "the projector stopped");
            self.stopped.send_replace(Some(error.to_string()));
        }
        ended
    }

    /// Closes the queries' connections.
    pub async fn close(&self) {
        self.reads.close().await;
    }

    async fn follow(&self, cancel: &CancellationToken) -> Result<(), ProjectorError> {
        let mut store = self.store.lock().await;
        let mut subscription: Option<Subscription> = None;
        let mut pause = SHORTEST_PAUSE;
        let mut revive = false;
        let mut times = 0;
        // Cancelling interrupts waiting, never a transaction.
        while !cancel.is_cancelled() {
            let stepped = match self.revive(&mut store, revive).await {
                Ok(()) => self.step(&mut store, &mut subscription, cancel).await,
                Err(error) => Err(error),
            };
            revive = stepped.is_err();
            match stepped {
                Ok(()) => (pause, times) = (SHORTEST_PAUSE, 0),
                Err(error) if passes(&error, &self.database, times) => {
                    times += 1;
                    tell(&error);
                    let sleep = tokio::time::sleep(pause);
                    cancel.run_until_cancelled(sleep).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    // Starts again at the checkpoint: what was not committed comes again.
                    subscription = None;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// After trouble, looks again where a server's rows are. A file has no other writer.
    async fn revive(&self, store: &mut Store, wanted: bool) -> Result<(), ProjectorError> {
        if let (Database::Postgres(server), true) = (&self.database, wanted) {
            *store = postgres::revive(server, &self.log, &self.projections).await?;
            self.reached(store.checkpoint.position);
        }
        Ok(())
    }

    /// Says how far the rows are; never less than was said before.
    fn reached(&self, now: Position) {
        self.position.send_if_modified(|before| {
            let further = now > *before;
            *before = now.max(*before);
            further
        });
    }

    async fn step(
        &self,
        store: &mut Store,
        subscription: &mut Option<Subscription>,
        cancel: &CancellationToken,
    ) -> Result<(), ProjectorError> {
        let subscription = match subscription {
            Some(it) => it,
            None => subscription.insert(self.log.subscribe(store.checkpoint.position).await?),
        };
        let Some(batch) = cancel.run_until_cancelled(subscription.batch(BATCH)).await else {
            return Ok(());
        };
        let batch: Vec<Stored> = batch?;
        let applying = store.apply(&self.projections, &batch);
        let applied = match &self.database {
            Database::File(_) => applying.await,
            Database::Postgres(_) => {
                match tokio::time::timeout(postgres::ANSWERS, applying).await {
                    Ok(applied) => applied,
                    Err(_) => Err(postgres::silent().into()),
                }
            }
        };
        self.reached(store.checkpoint.position);
        applied
    }
}

async fn open_file(
    path: &Path,
    log: &Arc<dyn EventLog>,
    projections: &Projections,
) -> Result<Store, ProjectorError> {
    if let Some(store) = file::open(path, projections).await? {
        // Before anything else, even when it has to be rebuilt: it may know that the log lies.
        check(log.as_ref(), &store.checkpoint).await?;
        if store.shape == shape(projections) {
            return Ok(store);
        }
        tracing::info!(path = %path.display(), "projections changed: rebuilding");
        store.close().await?;
    }
    file::rebuild(path, log, projections, &mut |_, _| {}).await?;
    file::open(path, projections)
        .await?
        .ok_or_else(|| ProjectorError::Database {
            database: path.display().to_string(),
            why: "it vanished while it was opened: start again".into(),
        })
}

/// Says why the projector waits. That another replica was faster is what replicas are for: of
/// two that follow the same log, one is second at every commit.
fn tell(error: &ProjectorError) {
    if matches!(error, ProjectorError::Overtaken) {
        tracing::debug!("another replica was faster");
    } else {
        tracing::warn!(%error, "the projector waits");
    }
}

/// Whether trying again can help without a person changing the log or the binary. `times` says
/// how often it was tried in a row.
fn passes(error: &ProjectorError, database: &Database, times: u32) -> bool {
    match (error, database) {
        (ProjectorError::Read(ReadError::Unavailable(_)), _) => true,
        (ProjectorError::Sql(error), Database::File(_)) => !matches!(
            trouble(error),
            Trouble::Damaged | Trouble::NotADatabase | Trouble::Mistake
        ),
        (ProjectorError::Sql(error), Database::Postgres(_)) => {
            postgres::passes(error) || (postgres::switched(error) && times < SWITCHES)
        }
        // Another replica was faster, or a rebuild was put in place.
        (ProjectorError::Overtaken, Database::Postgres(_)) => true,
        (
            ProjectorError::Read(_)
            | ProjectorError::Stopped { .. }
            | ProjectorError::Lie(_)
            | ProjectorError::Database { .. }
            | ProjectorError::Overtaken,
            _,
        ) => false,
    }
}
