//! Acting on what happened: a process folds the log, says which effects are due, and a
//! performer carries them out.
//!
//! Nothing is remembered beside the log: after a restart the process folds everything again and
//! says what is still due. So an effect can be performed twice around a crash, and its performer
//! checks the world before it acts.

mod traces;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::FutureExt as _;
use ids::{AggregateId, Uuid};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::codec::UnknownEvent;
use crate::commit::Stored;
use crate::lease::Gate;
use crate::log::{EventLog, Position, ReadError};
use crate::observer::{EffectSpan, observer};
use crate::subscription::{Item, Subscription};
use traces::Traces;

/// The longest pause before a failed effect is tried again.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The shortest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// Effects at once; more wait for the next reaction.
const AT_ONCE: usize = 256;

/// How often the clock is looked at while something is due later. The clock is a parameter and
/// can be set, so its time cannot be slept through.
const CLOCK_LOOK: Duration = Duration::from_millis(200);

/// A fold over the log that knows what is due.
pub trait Process: Send {
    /// Something to do to the world.
    type Effect: Clone + Debug + Send + 'static;

    /// Takes a commit into account, all of it or nothing. An event that it does not know sets
    /// the aggregate aside; any other error ends the run.
    fn observe(&mut self, stored: &Stored) -> Result<(), ReadError>;

    /// An aggregate holds an event that this binary does not know. From here on nothing of the
    /// aggregate is observed, so nothing that rests on it may be asked for any more.
    fn set_aside(&mut self, _: &AggregateId, _: &UnknownEvent) {}

    /// Everything up to this position was observed, or belongs to what was set aside: whoever
    /// waits until a position is known here has it.
    fn passed(&mut self, _: Position) {}

    /// Says what is due now. Called any number of times, it names the same effects by the same
    /// ids until a commit says that they are done.
    fn react(&mut self, now_us: i64) -> Reaction<Self::Effect>;

    /// How traces and metrics name an effect.
    fn describe(&self, _: &Self::Effect) -> Described {
        Described::default()
    }
}

/// An effect as traces and metrics name it.
#[derive(Debug, Clone, Default)]
pub struct Described {
    /// The role that performs it.
    pub role: &'static str,
    /// What sort of effect.
    pub name: &'static str,
    /// Aggregates and correlations whose last commit may have led to it, the best first.
    pub because_of: Vec<Uuid>,
}

/// What is due.
#[derive(Debug, Clone)]
pub struct Reaction<E> {
    /// Effects by id (such as [`ids::derive::effect`]).
    pub effects: Vec<(Uuid, E)>,
    /// When to ask again although nothing happened: microseconds since 1970-01-01 UTC.
    pub wake_at_us: Option<i64>,
}

/// An effect that did not work, and when to try again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Retry {
    /// The first pause; it doubles with each failure in a row, up to [`LONGEST_PAUSE`].
    pub after: Duration,
    /// What went wrong.
    pub why: String,
}

/// Carries out effects: checks whether the world has it already, acts, appends the outcome.
#[async_trait]
pub trait Perform<E>: Send + Sync + 'static {
    /// Returns once the outcome is in the log.
    async fn perform(&self, id: Uuid, effect: E) -> Result<(), Retry>;
}

/// The time, in microseconds since 1970-01-01 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Runs a process on a log until cancelled, or until the log cannot be read any further.
///
/// Everything stored is observed before the first effect. An effect in flight is never started
/// a second time. When one is done, what it appended is observed before the process is asked
/// again. Cancelling drops the effects in flight, as a crash would.
pub async fn run<P, F>(
    log: Arc<dyn EventLog>,
    process: P,
    performer: Arc<F>,
    clock: Clock,
    cancel: CancellationToken,
) -> Result<(), ReadError>
where
    P: Process,
    F: Perform<P::Effect> + ?Sized,
{
    run_gated(log, process, performer, clock, Gate::always(), cancel).await
}

/// The same, but effects start only while the gate is open: of several replicas one performs,
/// and all observe. What is under way when the gate closes goes on.
pub async fn run_gated<P, F>(
    log: Arc<dyn EventLog>,
    process: P,
    performer: Arc<F>,
    clock: Clock,
    gate: Gate,
    cancel: CancellationToken,
) -> Result<(), ReadError>
where
    P: Process,
    F: Perform<P::Effect> + ?Sized,
{
    let mut runner = Runner {
        log,
        process,
        performer,
        clock,
        gate,
        observed: Position::default(),
        tasks: JoinSet::new(),
        in_flight: BTreeMap::new(),
        settling: BTreeMap::new(),
        failed: BTreeMap::new(),
        wake_at_us: None,
        aside: BTreeSet::new(),
        traces: Traces::default(),
    };
    tokio::select! {
        biased;
        () = cancel.cancelled() => Ok(()),
        ended = runner.run() => ended,
    }
}

/// An effect that failed, or that is still asked for after it was done.
struct Failed {
    times: u32,
    not_before: Instant,
}

struct Runner<P: Process, F: ?Sized> {
    log: Arc<dyn EventLog>,
    process: P,
    performer: Arc<F>,
    clock: Clock,
    gate: Gate,
    observed: Position,
    tasks: JoinSet<Result<(), Retry>>,
    in_flight: BTreeMap<Id, Uuid>,
    /// Effects that are done; each may be asked for again only after everything up to this
    /// position was observed.
    settling: BTreeMap<Uuid, Position>,
    failed: BTreeMap<Uuid, Failed>,
    wake_at_us: Option<i64>,
    /// Aggregates with events that this binary does not know.
    aside: BTreeSet<AggregateId>,
    traces: Traces,
}

impl<P, F> Runner<P, F>
where
    P: Process,
    F: Perform<P::Effect> + ?Sized,
{
    async fn run(&mut self) -> Result<(), ReadError> {
        let mut subscription = self.catch_up().await?;
        loop {
            self.react();
            self.wait(&mut subscription).await?;
        }
    }

    /// Observes everything stored; a log that is away for a while is waited for.
    async fn catch_up(&mut self) -> Result<Subscription, ReadError> {
        let mut pause = SHORTEST_PAUSE;
        loop {
            match self.follow_to_end().await {
                Ok(subscription) => return Ok(subscription),
                Err(ReadError::Unavailable(why)) => {
                    tracing::warn!(%why, "the process waits for the log");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(other) => return Err(other),
            }
        }
    }

    async fn follow_to_end(&mut self) -> Result<Subscription, ReadError> {
        let mut subscription = self.log.subscribe(self.observed).await?;
        while let Item::Commit(stored) = subscription.next().await? {
            self.observe(&stored)?;
        }
        Ok(subscription)
    }

    fn observe(&mut self, stored: &Stored) -> Result<(), ReadError> {
        let aggregate = &stored.commit.aggregate;
        if !self.aside.contains(aggregate) {
            match self.process.observe(stored) {
                Ok(()) => self.traces.note(stored),
                Err(ReadError::Unknown(why)) => {
                    tracing::error!(%aggregate, version = stored.commit.version, %why, "set aside");
                    self.aside.insert(aggregate.clone());
                    self.process.set_aside(aggregate, &why);
                }
                Err(other) => return Err(other),
            }
        }
        self.observed = stored.position;
        self.process.passed(stored.position);
        Ok(())
    }

    fn react(&mut self) {
        if !self.gate.is_open((self.clock)()) {
            // Whoever performs says what it did; the gate's opening is a reason to ask again.
            self.wake_at_us = None;
            return;
        }
        let reaction = self.process.react((self.clock)());
        self.wake_at_us = reaction.wake_at_us;
        self.settling.retain(|id, position| {
            let settled = *position <= self.observed;
            if settled {
                // Done, and its outcome observed. Asked for all the same: not in a tight loop.
                let asked = reaction.effects.iter().any(|(it, _)| it == id);
                if asked {
                    note_failure(&mut self.failed, *id, SHORTEST_PAUSE);
                } else {
                    self.failed.remove(id);
                }
            }
            !settled
        });
        let wanted: BTreeSet<_> = reaction.effects.iter().map(|it| it.0).collect();
        let flying: BTreeSet<_> = self.in_flight.values().copied().collect();
        // What is neither asked for nor under way any more needs no retry.
        self.failed
            .retain(|id, _| wanted.contains(id) || flying.contains(id));
        let now = Instant::now();
        let mut started = flying;
        for (id, effect) in reaction.effects {
            let waits = self.failed.get(&id).is_some_and(|it| it.not_before > now);
            let busy = waits || self.settling.contains_key(&id) || started.len() >= AT_ONCE;
            if busy || !started.insert(id) {
                continue;
            }
            tracing::debug!(%id, ?effect, "effect starts");
            let task = self.start(id, effect);
            self.in_flight.insert(task, id);
        }
    }

    fn start(&mut self, id: Uuid, effect: P::Effect) -> Id {
        let described = self.process.describe(&effect);
        let performer = self.performer.clone();
        let work = async move { performer.perform(id, effect).await };
        let Some(observer) = observer() else {
            return self.tasks.spawn(work).id();
        };
        let span = EffectSpan {
            role: described.role,
            name: described.name,
            subject: described.because_of.first().copied(),
            parent: self.traces.of(&described.because_of),
        };
        self.tasks.spawn(observer.perform(span, work.boxed())).id()
    }

    /// Waits for a commit, for the end of an effect, or for a time.
    async fn wait(&mut self, subscription: &mut Subscription) -> Result<(), ReadError> {
        let due = self.next_look();
        let came = tokio::select! {
            item = subscription.next() => item.map(Some),
            Some(ended) = self.tasks.join_next_with_id() => {
                self.all_ended(ended).await;
                Ok(None)
            }
            () = self.gate.changed() => Ok(None),
            () = sleep_until(due) => Ok(None),
        };
        match came {
            Ok(None | Some(Item::CaughtUp(_))) => Ok(()),
            Ok(Some(Item::Commit(stored))) => {
                self.observe(&stored)?;
                // What is there already is observed before the process is asked again.
                loop {
                    match subscription.next().await {
                        Ok(Item::Commit(stored)) => self.observe(&stored)?,
                        Ok(Item::CaughtUp(_)) => return Ok(()),
                        Err(ReadError::Unavailable(_)) => {
                            *subscription = self.catch_up().await?;
                            return Ok(());
                        }
                        Err(other) => return Err(other),
                    }
                }
            }
            Err(ReadError::Unavailable(_)) => {
                *subscription = self.catch_up().await?;
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    fn next_look(&self) -> Option<Instant> {
        let now = Instant::now();
        let retry = self.failed.iter().filter(|(id, it)| {
            it.not_before > now && !self.in_flight.values().any(|flying| flying == *id)
        });
        let retry = retry.map(|(_, it)| it.not_before).min();
        let wake = self.wake_at_us.map(|at| {
            let left = u64::try_from(at.saturating_sub((self.clock)())).unwrap_or(0);
            now + Duration::from_micros(left).clamp(SHORTEST_PAUSE, CLOCK_LOOK)
        });
        retry.into_iter().chain(wake).min()
    }

    /// Takes the end of an effect, and of every other one that has ended by now.
    async fn all_ended(&mut self, first: Ended) {
        let mut done = Vec::new();
        let mut next = Some(first);
        while let Some(ended) = next {
            done.extend(self.ended(ended));
            next = self.tasks.try_join_next_with_id();
        }
        if done.is_empty() {
            return;
        }
        // Without an answer an effect may be asked for once more, which is harmless.
        let tail = self.log.tail().await.map(|it| it.position);
        let until = tail.unwrap_or(self.observed);
        self.settling.extend(done.into_iter().map(|id| (id, until)));
    }

    /// The effect's id when it was done; a failure is noted.
    fn ended(&mut self, ended: Ended) -> Option<Uuid> {
        let (task, result) = ended.unwrap_or_else(|broken| {
            let after = Duration::from_secs(1);
            let why = format!("the performer broke: {broken}");
            (broken.id(), Err(Retry { after, why }))
        });
        let id = self.in_flight.remove(&task)?;
        let Err(retry) = result else {
            return Some(id);
        };
        let pause = note_failure(&mut self.failed, id, retry.after);
        tracing::warn!(%id, why = %retry.why, ?pause, "effect failed and will be tried again");
        None
    }
}

/// How the task of an effect ended.
type Ended = Result<(Id, Result<(), Retry>), tokio::task::JoinError>;

/// Doubles the pause with each failure in a row.
fn note_failure(failed: &mut BTreeMap<Uuid, Failed>, id: Uuid, first: Duration) -> Duration {
    let times = failed.get(&id).map_or(0, |it| it.times);
    let pause = first
        .max(SHORTEST_PAUSE)
        .saturating_mul(1 << times.min(16))
        .min(LONGEST_PAUSE);
    let not_before = Instant::now() + pause;
    let times = times.saturating_add(1);
    failed.insert(id, Failed { times, not_before });
    pause
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
