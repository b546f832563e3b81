//! Keeping a read database at the end of the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::SqlitePoolOptions;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::store::{Speed, Store, options};
use super::{Projection, Projections, ProjectorError, rebuild, shape};
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

/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// The read models of a log in one SQLite file.
pub struct Projector {
    path: PathBuf,
    log: Arc<dyn EventLog>,
    projections: Projections,
    store: Mutex<Store>,
    readers: SqlitePool,
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
        path: &Path,
        log: Arc<dyn EventLog>,
        projections: Vec<Box<dyn Projection>>,
    ) -> Result<Self, ProjectorError> {
        let projections: Projections = projections.into();
        let store = open_store(path, &log, &projections).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options(path, Speed::Live).pragma("query_only", "on"))
            .await?;
        let position = watch::Sender::new(store.checkpoint.position);
        Ok(Self {
            path: path.to_owned(),
            log,
            projections,
            store: Mutex::new(store),
            readers,
            position,
            stopped: watch::Sender::new(None),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
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
    pub fn read_pool(&self) -> &SqlitePool {
        &self.readers
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
        self.readers.close().await;
    }

    async fn follow(&self, cancel: &CancellationToken) -> Result<(), ProjectorError> {
        let mut store = self.store.lock().await;
        let mut subscription: Option<Subscription> = None;
        let mut pause = SHORTEST_PAUSE;
        // Cancelling interrupts waiting, never a transaction.
        while !cancel.is_cancelled() {
            match self.step(&mut store, &mut subscription, cancel).await {
                Ok(()) => pause = SHORTEST_PAUSE,
                Err(error) if passes(&error) => {
                    tracing::warn!(%error, "the projector waits");
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
        store.apply(&self.projections, &batch).await?;
        self.position.send_replace(store.checkpoint.position);
        Ok(())
    }
}

async fn open_store(
    path: &Path,
    log: &Arc<dyn EventLog>,
    projections: &Projections,
) -> Result<Store, ProjectorError> {
    if let Some(store) = Store::open(path).await? {
        // Before anything else, even when it has to be rebuilt: it may know that the log lies.
        check(log.as_ref(), &store.checkpoint).await?;
        if store.shape == shape(projections) {
            return Ok(store);
        }
        tracing::info!(path = %store.path().display(), "projections changed: rebuilding");
        store.close().await?;
    }
    rebuild(path, log, projections, |_, _| {}).await?;
    Store::open(path)
        .await?
        .ok_or_else(|| ProjectorError::Database {
            path: path.display().to_string(),
            why: "it vanished while it was opened: start again".into(),
        })
}

/// Whether trying again can help without a person changing the log or the binary.
fn passes(error: &ProjectorError) -> bool {
    match error {
        ProjectorError::Read(ReadError::Unavailable(_)) => true,
        ProjectorError::Sql(error) => !matches!(
            trouble(error),
            Trouble::Damaged | Trouble::NotADatabase | Trouble::Mistake
        ),
        ProjectorError::Read(_)
        | ProjectorError::Stopped { .. }
        | ProjectorError::Lie(_)
        | ProjectorError::Database { .. }
        | ProjectorError::Overtaken => false,
    }
}
