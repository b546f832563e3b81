//! The process target: an image's program as a process of this machine, behind a TCP front
//! that owns the slot's public port (design: "Targets"). Linux only, because it relies on
//! `/proc` and on pidfds.
//!
//! Whatever happens to us, at most one process per slot stays: those that were started carry
//! marks in their environment, and the next one of us takes over or ends each of them.

mod adopt;
mod child;
mod front;
mod log;
mod ports;
mod probe;
mod proc;
mod restore;
mod rootfs;
mod seen;
mod slot;
mod start;
mod state;
mod supervisor;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ids::Uuid;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::adopt::Found;
use self::slot::Slot;
use self::start::Context;
use self::state::{Record, States};
use super::{ApplyError, Condition, Desired, Observation, Running, Target};

/// A process that nobody asked for within this time after a start of ours is ended.
const SPARE: Duration = Duration::from_secs(10);
/// When to look again for processes whose start was cut off by our end.
const SECOND_LOOK: Duration = Duration::from_millis(500);

/// Why the process target cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} `{}`: {cause}; check that it exists, is writable and has room", path.display())]
pub struct OpenError {
    doing: &'static str,
    path: PathBuf,
    cause: io::Error,
}

/// Runs images as processes of this machine. Dropping it without [`Target::shutdown`] leaves
/// the processes running, like a crash.
#[derive(Debug)]
pub struct ProcessTarget {
    context: Arc<Context>,
    slots: Mutex<BTreeMap<Uuid, Arc<Slot>>>,
}

impl ProcessTarget {
    /// Opens the target that keeps its files in `data` and knows its processes by `instance`,
    /// takes over what an earlier one left running there and starts again what has ended. Only
    /// one may be open per directory; the caller sees to that. A process that ignores SIGTERM
    /// is killed after `kill_after`. Must be called within a Tokio runtime.
    pub async fn open(
        data: impl Into<PathBuf>,
        instance: Uuid,
        kill_after: Duration,
    ) -> Result<Self, OpenError> {
        let data = std::path::absolute(data.into()).map_err(|cause| OpenError {
            doing: "find",
            path: PathBuf::new(),
            cause,
        })?;
        raise_file_limit();
        let (states, records, found) = tokio::task::spawn_blocking({
            let data = data.clone();
            move || look(&data, instance)
        })
        .await
        .map_err(|e| OpenError {
            doing: "look through",
            path: data.clone(),
            cause: io::Error::other(e),
        })??;
        let target = Self {
            context: Arc::new(Context {
                data,
                instance,
                owner: adopt::owner(),
                boot: proc::boot(),
                kill_after,
                states,
                ports: ports::Ports::default(),
                tasks: TaskTracker::new(),
                closing: CancellationToken::new(),
                spare: Mutex::default(),
            }),
            slots: Mutex::default(),
        };
        target.take_over(records, found).await;
        Ok(target)
    }

    async fn take_over(&self, records: Vec<Record>, mut found: Vec<Found>) {
        for record in records {
            let started = restore::claim(&self.context, &record, &mut found);
            self.slot(record.desired.slot)
                .restore(record, started)
                .await;
        }
        let (leaders, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|process| process.leader);
        // What belongs to a leader ends or stays with it.
        let orphans: Vec<_> = others
            .into_iter()
            .filter(|other| {
                !leaders
                    .iter()
                    .any(|leader| leader.marks.same_start(&other.marks))
            })
            .collect();
        self.end_all(orphans);
        *self.spare() = leaders;
        self.look_again();
    }

    fn end_all(&self, processes: Vec<Found>) {
        for found in processes {
            let context = Arc::clone(&self.context);
            self.context.tasks.spawn(async move {
                let Some(child) = found.open() else {
                    return;
                };
                tracing::info!(pid = found.pid, run = %found.marks.run, "ending a left-over process");
                child.end(context.kill_after).await;
                start::end_leftovers(&context, &found.marks).await;
            });
        }
    }

    /// Ends, after a while, what nobody has asked for, and what appeared only after the first
    /// look because its start outlived the one of us that began it.
    fn look_again(&self) {
        let target = Self {
            context: Arc::clone(&self.context),
            slots: Mutex::default(),
        };
        tokio::spawn(async move {
            let work = async {
                tokio::time::sleep(SECOND_LOOK).await;
                target.end_late_starts().await;
                tokio::time::sleep(SPARE.saturating_sub(SECOND_LOOK)).await;
                let unwanted = std::mem::take(&mut *target.spare());
                target.end_all(unwanted);
            };
            tokio::select! {
                () = work => {}
                () = target.context.closing.cancelled() => {}
            }
        });
    }

    async fn end_late_starts(&self) {
        let instance = self.context.instance;
        let scanned = tokio::task::spawn_blocking(move || adopt::scan(instance)).await;
        let Ok(Ok(found)) = scanned else {
            return;
        };
        let mut known = self.context.ports.taken();
        known.extend(self.spare().iter().map(|found| found.marks.port));
        let late = found
            .into_iter()
            .filter(|found| found.leader && found.marks.owner != self.context.owner)
            .filter(|found| !known.contains(&found.marks.port))
            .collect();
        self.end_all(late);
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<Found>> {
        self.context
            .spare
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, id: Uuid) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Slot::new(id, Arc::clone(&self.context)));
        Arc::clone(slots.entry(id).or_insert_with(new))
    }

    fn known_slot(&self, id: Uuid) -> Option<Arc<Slot>> {
        let slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.get(&id).cloned()
    }
}

#[async_trait]
impl Target for ProcessTarget {
    async fn apply(&self, desired: Desired) -> Result<Running, ApplyError> {
        if self.context.closing.is_cancelled() {
            return Err(ApplyError::Broke {
                message: "the process target is shut down".into(),
            });
        }
        let slot = self.slot(desired.slot);
        // Its own task: a caller that does not wait leaves nothing half done.
        tokio::spawn(async move { Box::pin(slot.apply(desired)).await })
            .await
            .unwrap_or_else(|e| {
                Err(ApplyError::Broke {
                    message: format!("applying broke off: {e}"),
                })
            })
    }

    async fn observe(&self, slot: Uuid) -> Observation {
        match self.known_slot(slot) {
            Some(slot) => slot.observe(),
            None => Observation {
                condition: Condition::NotFound,
                message: "nothing runs here".into(),
                digest: None,
                version: None,
                run: None,
                pid: None,
                port: None,
            },
        }
    }

    async fn stop(&self, slot: Uuid) -> Result<(), ApplyError> {
        let spare: Vec<_> = self
            .spare()
            .extract_if(.., |found| found.marks.slot == slot)
            .collect();
        self.end_all(spare);
        let Some(slot) = self.known_slot(slot) else {
            return Ok(());
        };
        tokio::spawn(async move { Box::pin(slot.stop()).await })
            .await
            .unwrap_or_else(|e| {
                Err(ApplyError::Broke {
                    message: format!("stopping broke off: {e}"),
                })
            })
    }

    async fn shutdown(&self, leave_running: bool) {
        self.context.closing.cancel();
        let slots = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *slots)
        };
        futures::future::join_all(slots.values().map(|slot| slot.shutdown(leave_running))).await;
        let spare = std::mem::take(&mut *self.spare());
        if !leave_running {
            self.end_all(spare);
        }
        self.context.tasks.close();
        self.context.tasks.wait().await;
    }
}

/// What is on disk and what runs. Blocks.
fn look(data: &Path, instance: Uuid) -> Result<(States, Vec<Record>, Vec<Found>), OpenError> {
    let error = |doing, path: PathBuf| move |cause| OpenError { doing, path, cause };
    let slots = data.join("slots");
    let states = States::open(data).map_err(error("create", slots.clone()))?;
    let records = states.load().map_err(error("read", slots))?;
    let found = adopt::scan(instance).map_err(error("read", "/proc".into()))?;
    let used = records
        .iter()
        .map(|record| record.desired.digest.clone())
        .chain(found.iter().map(|found| found.marks.digest.clone()))
        .collect();
    rootfs::prune(data, &used).map_err(error("clear", rootfs::directory(data)))?;
    Ok((states, records, found))
}

/// A connection takes two file descriptors; the usual limit of 1024 is for programs that use
/// `select`, which must not have more.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    const WANTED: u64 = 65_536;
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    if limit.current.is_some_and(|current| current < most) {
        let raised = Rlimit {
            current: Some(most),
            maximum: limit.maximum,
        };
        if let Err(e) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!("cannot raise the limit of open files to {most}: {e}");
        }
    }
}
