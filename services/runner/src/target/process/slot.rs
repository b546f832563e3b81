//! One slot: what is to run there, what does, and the changes from one to the other.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ids::Uuid;
use tokio_util::sync::CancellationToken;

use super::front::Front;
use super::ports::{PUBLIC, candidates};
use super::seen::{Seen, Serving, lock};
use super::start::{self, Context, StartError, Started, broke, failed};
use super::state::Record;
use super::supervisor::Supervisor;
use crate::target::{ApplyError, Condition, Desired, Observation, Protocol, Running};

/// What ran before gets this long to finish the requests it has.
const DRAIN: Duration = Duration::from_secs(10);
/// A slot that is closed gives the requests it has this long.
const CLOSE: Duration = Duration::from_secs(1);

/// One application in one environment.
#[derive(Debug)]
pub(super) struct Slot {
    id: Uuid,
    pub(super) context: Arc<Context>,
    /// Held by whoever changes what runs.
    pub(super) changes: tokio::sync::Mutex<Changing>,
    pub(super) seen: Arc<Mutex<Seen>>,
    /// Cancels the change that is going on.
    halt: Mutex<CancellationToken>,
}

/// What only a change may touch.
#[derive(Debug, Default)]
pub(super) struct Changing {
    pub(super) front: Option<Arc<Front>>,
    pub(super) supervisor: Option<Supervisor>,
    /// What is looked after as soon as the public port can be had.
    pub(super) waiting: Option<(Desired, Option<Started>)>,
}

impl Changing {
    /// What runs, not looked after any more.
    async fn take(&mut self) -> Option<(Desired, Option<Started>)> {
        match self.supervisor.take() {
            Some(supervisor) => supervisor.leave().await,
            None => self.waiting.take(),
        }
    }
}

impl Slot {
    pub(super) fn new(id: Uuid, context: Arc<Context>) -> Self {
        Self {
            id,
            halt: Mutex::new(context.closing.child_token()),
            context,
            changes: tokio::sync::Mutex::default(),
            seen: Arc::default(),
        }
    }

    /// See [`crate::target::Target::apply`].
    pub(super) async fn apply(&self, desired: Desired) -> Result<Running, ApplyError> {
        let mut changing = self.changes.lock().await;
        if let Some(running) = self.already(&desired, &changing) {
            return Ok(running);
        }
        let halt = self.fresh_halt();
        self.doing(
            Condition::InProgress,
            format!("starting {}", desired.version),
        );
        let outcome = self.change(&mut changing, desired, &halt).await;
        let mut seen = lock(&self.seen);
        seen.doing = match &outcome {
            Err(ApplyError::Failed { message, .. }) if seen.serving.is_none() => {
                Some((Condition::Failed, message.clone()))
            }
            Err(ApplyError::Broke { message }) if seen.serving.is_none() => {
                Some((Condition::Unknown, message.clone()))
            }
            _ => None,
        };
        outcome
    }

    fn already(&self, desired: &Desired, changing: &Changing) -> Option<Running> {
        let seen = lock(&self.seen);
        let serving = seen.serving.as_ref()?;
        let port = changing.front.as_ref()?.port();
        let wanted = desired.public_port.unwrap_or(port);
        (serving.desired.run == desired.run && wanted == port).then_some(Running {
            port,
            pid: serving.pid?,
            adopted: serving.adopted,
        })
    }

    async fn change(
        &self,
        changing: &mut Changing,
        desired: Desired,
        halt: &CancellationToken,
    ) -> Result<Running, ApplyError> {
        let front = self.front(changing, &desired)?;
        let started = self.begin(&desired, halt).await?;
        let (pid, adopted) = (started.child.pid(), started.adopted);
        // From here on the old process is not restarted, but it still serves.
        let old = changing.take().await;
        let record = Record {
            public_port: front.port(),
            process: started.record(&self.context),
            desired: desired.clone(),
        };
        if let Err(e) = self.context.states.save(&record).await {
            self.retire(started, false);
            self.keep(changing, old);
            return Err(broke(format!("cannot write the slot's file: {e}")).into());
        }
        front.speak(desired.health.protocol);
        front.route(Some(started.backend.clone()));
        *lock(&self.seen) = Seen {
            serving: Some(Serving {
                desired: desired.clone(),
                pid: Some(pid),
                adopted,
                unhealthy: None,
            }),
            doing: None,
            port: Some(front.port()),
            ends: None,
        };
        let replaced = changing.front.replace(Arc::clone(&front));
        if let Some((_, Some(old))) = old {
            self.retire_with(old, replaced);
        }
        changing.supervisor = Some(self.supervise(&front, desired, Some(started)));
        Ok(Running {
            port: front.port(),
            pid,
            adopted,
        })
    }

    /// A process for this run that an earlier one of us started, or a new one.
    async fn begin(
        &self,
        desired: &Desired,
        halt: &CancellationToken,
    ) -> Result<Started, StartError> {
        let seen = Arc::clone(&self.seen);
        let progress = move |text: String| {
            lock(&seen).doing = Some((Condition::InProgress, text));
        };
        let spare: Vec<_> = {
            let mut all = self
                .context
                .spare
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            all.extract_if(.., |found| found.marks.slot == self.id)
                .collect()
        };
        let mut usable = None;
        for found in spare {
            let Some(child) = found.open() else {
                continue;
            };
            let Ok(started) = Started::adopt(&self.context, child, found.marks) else {
                continue;
            };
            let wanted =
                (started.marks.run, &started.marks.digest) == (desired.run, &desired.digest);
            if wanted && usable.is_none() {
                usable = Some(started);
            } else {
                self.retire(started, false);
            }
        }
        if let Some(started) = usable {
            let resumed = start::resume(&self.context, started, desired, halt, &progress).await;
            if let Some(started) = resumed {
                return Ok(started);
            }
        }
        start::start(&self.context, desired, halt, &progress).await
    }

    /// The public port: the one that is asked for, the one there is, or a free one.
    fn front(&self, changing: &mut Changing, desired: &Desired) -> Result<Arc<Front>, ApplyError> {
        let protocol = desired.health.protocol;
        if let Some(front) = &changing.front {
            let wanted = desired.public_port.unwrap_or(front.port());
            if wanted == front.port() {
                return Ok(Arc::clone(front));
            }
        }
        let front = match desired.public_port {
            Some(port) => Front::bind(port, protocol).map_err(|e| {
                failed(
                    format!(
                        "cannot listen on the slot's port 127.0.0.1:{port}: {e}; end what uses it or choose another port"
                    ),
                    String::new(),
                )
            })?,
            None => free_front(self.context.seed(self.id), protocol)
                .ok_or_else(|| broke("no port from 20000 to 29999 is free on 127.0.0.1"))?,
        };
        let front = Arc::new(front);
        if changing.front.is_none() {
            // Clients may already connect and wait.
            lock(&self.seen).port = Some(front.port());
            changing.front = Some(Arc::clone(&front));
        }
        Ok(front)
    }

    pub(super) fn supervise(
        &self,
        front: &Arc<Front>,
        desired: Desired,
        started: Option<Started>,
    ) -> Supervisor {
        Supervisor::spawn(
            Arc::clone(&self.context),
            Arc::clone(&self.seen),
            Arc::clone(front),
            desired,
            started,
        )
    }

    fn keep(&self, changing: &mut Changing, old: Option<(Desired, Option<Started>)>) {
        if let (Some((desired, started)), Some(front)) = (old, changing.front.clone()) {
            changing.supervisor = Some(self.supervise(&front, desired, started));
        }
    }

    /// Ends a process in the background, `drain`ed or not.
    pub(super) fn retire(&self, started: Started, drain: bool) {
        let context = Arc::clone(&self.context);
        self.context.tasks.spawn(async move {
            if drain {
                tokio::select! {
                    () = started.backend.unused() => {}
                    () = tokio::time::sleep(DRAIN) => {}
                    () = context.closing.cancelled() => {}
                }
            }
            started.end(&context).await;
        });
    }

    /// Ends what ran before; if it had another front, that closes when it has drained.
    fn retire_with(&self, started: Started, front: Option<Arc<Front>>) {
        let backend = started.backend.clone();
        self.retire(started, true);
        let closing = self.context.closing.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = backend.unused() => {}
                () = tokio::time::sleep(DRAIN) => {}
                () = closing.cancelled() => {}
            }
            drop(front);
        });
    }

    pub(super) fn observe(&self) -> Observation {
        lock(&self.seen).observation()
    }

    /// See [`crate::target::Target::stop`].
    pub(super) async fn stop(&self) -> Result<(), ApplyError> {
        self.halt_token().cancel();
        let mut changing = self.changes.lock().await;
        self.doing(Condition::Terminating, "is being stopped".into());
        // Forgotten first: whoever comes after us must not start it again.
        if let Err(e) = self.context.states.remove(self.id).await {
            lock(&self.seen).doing = None;
            return Err(broke(format!("cannot remove the slot's file: {e}")).into());
        }
        let old = changing.take().await;
        if let Some(front) = changing.front.take() {
            front.close(CLOSE).await;
        }
        if let Some((_, Some(started))) = old {
            started.end(&self.context).await;
        }
        *lock(&self.seen) = Seen::default();
        Ok(())
    }

    /// See [`crate::target::Target::shutdown`].
    pub(super) async fn shutdown(&self, leave_running: bool) {
        self.halt_token().cancel();
        let mut changing = self.changes.lock().await;
        let old = changing.take().await;
        if let Some(front) = changing.front.take() {
            front.close(CLOSE).await;
        }
        if let Some((_, Some(started))) = old
            && !leave_running
        {
            started.end(&self.context).await;
        }
    }

    pub(super) fn doing(&self, condition: Condition, text: String) {
        lock(&self.seen).doing = Some((condition, text));
    }

    fn halt_token(&self) -> CancellationToken {
        self.halt
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn fresh_halt(&self) -> CancellationToken {
        let token = self.context.closing.child_token();
        *self.halt.lock().unwrap_or_else(PoisonError::into_inner) = token.clone();
        token
    }
}

/// The first free port, beginning at one that depends on `seed`: the same slot gets the same
/// port on a quiet machine.
fn free_front(seed: Uuid, protocol: Protocol) -> Option<Front> {
    candidates(PUBLIC, seed, 0).find_map(|port| Front::bind(port, protocol).ok())
}
