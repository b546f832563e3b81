//! Going on with the slots of an earlier one of us.

use std::sync::Arc;
use std::time::Duration;

use super::adopt::{self, Found, Marks};
use super::front::Front;
use super::seen::{Seen, Serving, lock};
use super::slot::{Changing, Slot};
use super::start::{Context, Started};
use super::state::{ProcessRecord, Record};
use crate::target::{Condition, Desired};

/// Between attempts to listen on a port that somebody else has.
const BIND_RETRY: Duration = Duration::from_millis(250);

impl Slot {
    /// Goes on with a slot of an earlier one of us. `found` is its process, if that runs.
    pub(super) async fn restore(self: &Arc<Self>, record: Record, found: Option<Started>) {
        let mut changing = self.changes.lock().await;
        let Record {
            desired,
            public_port,
            ..
        } = record;
        *lock(&self.seen) = Seen {
            serving: Some(Serving {
                pid: found.as_ref().map(|started| started.child.pid()),
                adopted: found.is_some(),
                unhealthy: None,
                desired: desired.clone(),
            }),
            doing: found.is_none().then(|| {
                let text = format!("starting {} again", desired.version);
                (Condition::InProgress, text)
            }),
            port: Some(public_port),
            ends: None,
        };
        match Front::bind(public_port, desired.health.protocol) {
            Ok(front) => self.resume(&mut changing, &Arc::new(front), desired, found),
            Err(e) => {
                let why = format!("cannot listen on 127.0.0.1:{public_port}: {e}; trying again");
                tracing::error!(slot = desired.slot_name, "{why}");
                self.doing(Condition::Failed, why);
                changing.waiting = Some((desired, found));
                let task = Arc::clone(self).bind_later(public_port);
                self.context.tasks.spawn(task);
            }
        }
    }

    fn resume(
        &self,
        changing: &mut Changing,
        front: &Arc<Front>,
        desired: Desired,
        found: Option<Started>,
    ) {
        if let Some(started) = &found {
            front.route(Some(started.backend.clone()));
        }
        changing.front = Some(Arc::clone(front));
        changing.supervisor = Some(self.supervise(front, desired, found));
    }

    /// Somebody else has our port: tries again until it is free, or a change takes over.
    async fn bind_later(self: Arc<Self>, port: u16) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(BIND_RETRY) => {}
                () = self.context.closing.cancelled() => return,
            }
            let mut changing = self.changes.lock().await;
            let Some((desired, found)) = changing.waiting.take() else {
                return;
            };
            let front = match changing.front.take() {
                // Of an apply that failed.
                Some(front) => Ok(front),
                None => Front::bind(port, desired.health.protocol).map(Arc::new),
            };
            let Ok(front) = front else {
                changing.waiting = Some((desired, found));
                continue;
            };
            let mut seen = lock(&self.seen);
            seen.doing = None;
            seen.port = Some(front.port());
            drop(seen);
            self.resume(&mut changing, &front, desired, found);
            return;
        }
    }
}

/// The marks that a slot's own process must carry.
fn recorded_marks(context: &Context, desired: &Desired, process: &ProcessRecord) -> Marks {
    Marks {
        instance: context.instance,
        slot: desired.slot,
        run: desired.run,
        digest: desired.digest.clone(),
        port: process.port,
        owner: context.owner.clone(),
    }
}

/// The process of a slot, if it still runs; it and all of its own are taken off `found`.
pub(super) fn claim(context: &Context, record: &Record, found: &mut Vec<Found>) -> Option<Started> {
    let process = &record.process;
    let desired = &record.desired;
    let recorded = (process.boot == context.boot)
        .then(|| adopt::open(process.pid, process.start_time))
        .flatten();
    let its_marks = found
        .iter()
        .find(|found| found.pid.unsigned_abs() == process.pid)
        .map(|found| found.marks.clone());
    let (child, marks) = match (recorded, its_marks) {
        (Some(child), Some(marks)) if marks.digest == desired.digest => (child, marks),
        // A program may overwrite its own environment; its number and start time suffice.
        (Some(child), None) => (child, recorded_marks(context, desired, process)),
        // Restarted just before our end, and not noted any more.
        _ => found
            .iter()
            .filter(|found| found.leader && found.marks.run == desired.run)
            .filter(|found| found.marks.digest == desired.digest)
            .find_map(|found| Some((found.open()?, found.marks.clone())))?,
    };
    found.retain(|found| !found.marks.same_start(&marks));
    match Started::adopt(context, child, marks) {
        Ok(started) => Some(started),
        Err(e) => {
            tracing::error!(
                slot = desired.slot_name,
                "cannot take over its process: {e}"
            );
            None
        }
    }
}
