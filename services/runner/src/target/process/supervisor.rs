//! Looks after the process that serves: starts it again when it ends by itself, and keeps
//! asking whether it is healthy.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::front::Front;
use super::probe::{self, Judge, Verdict};
use super::seen::{Ends, Seen, lock};
use super::start::{self, Context, Started};
use super::state::Record;
use crate::target::{ApplyError, Condition, Desired};

/// The pause before the first restart; each one after it is twice as long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Who has served for this long begins with the first pause again.
pub(super) const SETTLED: Duration = Duration::from_mins(1);

/// The task that looks after one process.
#[derive(Debug)]
pub(super) struct Supervisor {
    leave: CancellationToken,
    task: JoinHandle<(Desired, Option<Started>)>,
}

impl Supervisor {
    /// Begins to look after this process, or to start it.
    pub(super) fn spawn(
        context: Arc<Context>,
        seen: Arc<Mutex<Seen>>,
        front: Arc<Front>,
        desired: Desired,
        started: Option<Started>,
    ) -> Self {
        let leave = CancellationToken::new();
        let task = Task {
            context,
            seen,
            front,
            desired,
            leave: leave.clone(),
        };
        Self {
            leave,
            task: tokio::spawn(task.run(started)),
        }
    }

    /// Stops looking after the process and gives it back as it is.
    pub(super) async fn leave(self) -> Option<(Desired, Option<Started>)> {
        self.leave.cancel();
        self.task.await.ok()
    }
}

struct Task {
    context: Arc<Context>,
    seen: Arc<Mutex<Seen>>,
    front: Arc<Front>,
    desired: Desired,
    leave: CancellationToken,
}

impl Task {
    async fn run(self, mut started: Option<Started>) -> (Desired, Option<Started>) {
        let mut pause = FIRST_PAUSE;
        loop {
            let Some(running) = started.take() else {
                match self.restart(&mut pause).await {
                    Some(running) => started = Some(running),
                    None => return (self.desired, None),
                }
                continue;
            };
            let since = Instant::now();
            let exit = tokio::select! {
                exit = running.child.exited() => exit,
                () = self.leave.cancelled() => return (self.desired, Some(running)),
                never = self.watch(&running) => match never {},
            };
            self.front.route(None);
            if since.elapsed() >= SETTLED {
                pause = FIRST_PAUSE;
            }
            let text = format!("the process ended by itself, {exit}; starting it again");
            tracing::warn!(
                slot = self.desired.slot_name,
                pid = running.child.pid(),
                "{text}"
            );
            self.count(since.elapsed() >= SETTLED, exit.to_string());
            self.tell(Condition::InProgress, text);
            start::end_leftovers(&self.context, &running.marks).await;
        }
    }

    fn count(&self, settled: bool, how: String) {
        let mut seen = lock(&self.seen);
        seen.ends = Some(Ends::more(seen.ends.take(), settled, how));
    }

    fn tell(&self, condition: Condition, text: String) {
        let mut seen = lock(&self.seen);
        if let Some(serving) = &mut seen.serving {
            serving.pid = None;
        }
        seen.doing = Some((condition, text));
    }

    /// Starts the same run again until it is healthy. None when it is not wanted any more.
    async fn restart(&self, pause: &mut Duration) -> Option<Started> {
        loop {
            tokio::select! {
                () = tokio::time::sleep(*pause) => {}
                () = self.leave.cancelled() => return None,
            }
            *pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            let seen = Arc::clone(&self.seen);
            let progress = move |text: String| {
                lock(&seen).doing = Some((Condition::InProgress, text));
            };
            let outcome = Box::pin(start::start(
                &self.context,
                &self.desired,
                &self.leave,
                &progress,
            ))
            .await;
            match outcome {
                Ok(started) => {
                    self.serve(&started).await;
                    return Some(started);
                }
                Err(start::StartError::Halted) => return None,
                Err(start::StartError::Apply(
                    ApplyError::Failed { message, .. } | ApplyError::Broke { message },
                )) => {
                    let text = format!("{message}; trying again in {pause:?}");
                    tracing::warn!(slot = self.desired.slot_name, "{text}");
                    self.tell(Condition::Failed, text);
                }
            }
        }
    }

    async fn serve(&self, started: &Started) {
        let record = Record {
            desired: self.desired.clone(),
            public_port: self.front.port(),
            process: started.record(&self.context),
        };
        if let Err(e) = self.context.states.save(&record).await {
            // Whoever comes after us finds the process by its marks.
            tracing::error!(
                slot = self.desired.slot_name,
                "cannot write the slot's file: {e}"
            );
        }
        let mut seen = lock(&self.seen);
        seen.doing = None;
        if let Some(serving) = &mut seen.serving {
            serving.pid = Some(started.child.pid());
            serving.adopted = false;
            serving.unhealthy = None;
        }
        drop(seen);
        self.front.route(Some(started.backend.clone()));
    }

    /// Asks at the agreed interval and notes what the answers mean. An unhealthy process goes
    /// on serving: it is not ours to decide that nothing is better.
    async fn watch(&self, running: &Started) -> std::convert::Infallible {
        let mut judge = Judge::new(&self.desired.health);
        let interval = self.desired.health.interval.max(Duration::from_millis(100));
        loop {
            tokio::time::sleep(interval).await;
            running.log.bound();
            let answer = match probe::probe(&self.desired.health, running.marks.port).await {
                // It did listen before: that it does not any more is no start to be waited for.
                probe::Answer::Refused(text) => probe::Answer::Bad(text),
                answer @ (probe::Answer::Good(_) | probe::Answer::Bad(_)) => answer,
            };
            let verdict = judge.verdict(&answer, Instant::now());
            let mut seen = lock(&self.seen);
            let Some(serving) = &mut seen.serving else {
                continue;
            };
            match verdict {
                Verdict::Healthy => serving.unhealthy = None,
                Verdict::Unhealthy => serving.unhealthy = Some(answer.to_string()),
                Verdict::Open => {}
            }
        }
    }
}
