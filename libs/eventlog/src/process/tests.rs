//! Everything due is done, nothing in flight is started twice, failures wait longer each time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ids::{AggregateId, Uuid};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Clock, LONGEST_PAUSE, Perform, Process, Reaction, Retry, run};
use crate::codec::UnknownEvent;
use crate::commit::Stored;
use crate::conformance::{append, fill, identity, slot};
use crate::log::{EventLog, Position, ReadError};
use crate::mem::MemLog;
use crate::sim::{Faults, SimLog};

/// For every commit on `slot:<n>` an effect `n`, until a commit on `slot:<1000 + n>` says that
/// it is done.
#[derive(Default)]
struct Todo {
    asked: BTreeSet<u128>,
    done: BTreeSet<u128>,
    due_at_us: Option<i64>,
    /// What a newer binary wrote, on `slot:<n>`.
    unknown: Option<(u128, &'static str)>,
    aside: BTreeSet<u128>,
}

impl Process for Todo {
    type Effect = u128;

    fn observe(&mut self, stored: &Stored) -> Result<(), ReadError> {
        let n = stored.commit.aggregate.id().as_u128();
        let record = &stored.commit.events[0];
        if self
            .unknown
            .is_some_and(|(of, payload)| of == n && record.payload == payload)
        {
            return Err(UnknownEvent::new(record, "from the future").into());
        }
        match stored.commit.aggregate.id().as_u128() {
            n if n > 1000 => self.done.insert(n - 1000),
            n => self.asked.insert(n),
        };
        Ok(())
    }

    fn set_aside(&mut self, aggregate: &AggregateId, _: &UnknownEvent) {
        self.aside.insert(aggregate.id().as_u128());
    }

    fn react(&mut self, now_us: i64) -> Reaction<u128> {
        let wait = self.due_at_us.filter(|it| *it > now_us);
        let due = self.asked.difference(&self.done);
        let due = due.filter(|it| wait.is_none() && !self.aside.contains(it));
        Reaction {
            effects: due.map(|n| (Uuid::from_u128(*n), *n)).collect(),
            wake_at_us: wait,
        }
    }
}

/// Says when it starts, waits for a permit, then appends the outcome.
struct Hands {
    log: Arc<dyn EventLog>,
    started: mpsc::UnboundedSender<u128>,
    permits: Semaphore,
}

#[async_trait]
impl Perform<u128> for Hands {
    async fn perform(&self, id: Uuid, effect: u128) -> Result<(), Retry> {
        assert_eq!(id.as_u128(), effect);
        self.started.send(effect).unwrap();
        self.permits.acquire().await.unwrap().forget();
        let outcome = append(&self.log, &slot(1000 + effect), "done").await;
        outcome.map(|_| ()).map_err(|e| Retry {
            after: Duration::from_millis(5),
            why: e.to_string(),
        })
    }
}

fn hands(log: &Arc<dyn EventLog>, permits: usize) -> (Arc<Hands>, mpsc::UnboundedReceiver<u128>) {
    let (started, starts) = mpsc::unbounded_channel();
    let hands = Hands {
        log: log.clone(),
        started,
        permits: Semaphore::new(permits),
    };
    (Arc::new(hands), starts)
}

fn still() -> Clock {
    Arc::new(|| 0)
}

fn mem() -> Arc<dyn EventLog> {
    Arc::new(MemLog::new(identity()))
}

async fn outcomes(log: &Arc<dyn EventLog>, count: usize) -> Vec<u128> {
    let mut subscription = log.subscribe(Position(0)).await.unwrap();
    let mut done = Vec::new();
    while done.len() < count {
        for stored in subscription.batch(100).await.unwrap() {
            let n = stored.commit.aggregate.id().as_u128();
            done.extend((n > 1000).then(|| n - 1000));
        }
    }
    done
}

#[tokio::test]
async fn everything_stored_is_observed_before_the_first_effect() {
    let log = mem();
    fill(&log, 5, 1).await.unwrap();
    // The first three were done before the restart.
    for n in 1001..=1003 {
        append(&log, &slot(n), "done").await.unwrap();
    }
    let (hands, mut starts) = hands(&log, 100);
    let cancel = CancellationToken::new();
    let running = run(log.clone(), Todo::default(), hands, still(), cancel.clone());
    let running = tokio::spawn(running);
    assert_eq!(outcomes(&log, 5).await.len(), 5);
    cancel.cancel();
    running.await.unwrap().unwrap();
    starts.close();
    let mut started = Vec::new();
    while let Some(n) = starts.recv().await {
        started.push(n);
    }
    assert_eq!(started, [4, 5]);
}

#[tokio::test]
async fn an_effect_in_flight_is_never_started_again() {
    let log = mem();
    fill(&log, 1, 1).await.unwrap();
    let (hands, mut starts) = hands(&log, 0);
    let cancel = CancellationToken::new();
    let running = run(
        log.clone(),
        Todo::default(),
        hands.clone(),
        still(),
        cancel.clone(),
    );
    let running = tokio::spawn(running);
    assert_eq!(starts.recv().await, Some(1));
    // Each of these makes the process react while the effect is in flight.
    for n in 2..=20 {
        append(&log, &slot(n), "more").await.unwrap();
        assert_eq!(starts.recv().await, Some(n));
    }
    hands.permits.add_permits(100);
    let mut done = outcomes(&log, 20).await;
    done.sort_unstable();
    assert_eq!(done, (1..=20).collect::<Vec<_>>());
    cancel.cancel();
    running.await.unwrap().unwrap();
    assert!(starts.try_recv().is_err(), "something was started twice");
}

#[tokio::test]
async fn an_unknown_event_sets_its_aggregate_aside_and_all_else_goes_on() {
    let log = mem();
    fill(&log, 3, 1).await.unwrap();
    append(&log, &slot(2), "blessed").await.unwrap();
    // Never shown to the process: it could not know what it means after what it missed.
    append(&log, &slot(2), "known").await.unwrap();
    let (hands, mut starts) = hands(&log, 100);
    let process = Todo {
        unknown: Some((2, "blessed")),
        ..Todo::default()
    };
    let cancel = CancellationToken::new();
    let running = run(log.clone(), process, hands, still(), cancel.clone());
    let running = tokio::spawn(running);
    assert_eq!(outcomes(&log, 2).await, [1, 3]);
    append(&log, &slot(4), "more").await.unwrap();
    assert_eq!(outcomes(&log, 3).await, [1, 3, 4]);
    cancel.cancel();
    running.await.unwrap().unwrap();
    starts.close();
    let mut started = Vec::new();
    while let Some(n) = starts.recv().await {
        started.push(n);
    }
    assert_eq!(started, [1, 3, 4]);
}

#[tokio::test]
async fn many_effects_run_at_once() {
    let log = mem();
    fill(&log, 100, 1).await.unwrap();
    let (hands, mut starts) = hands(&log, 0);
    let cancel = CancellationToken::new();
    let running = run(
        log.clone(),
        Todo::default(),
        hands.clone(),
        still(),
        cancel.clone(),
    );
    let running = tokio::spawn(running);
    // All are in flight before the first one may finish.
    for _ in 0..100 {
        starts.recv().await.unwrap();
    }
    hands.permits.add_permits(100);
    assert_eq!(outcomes(&log, 100).await.len(), 100);
    cancel.cancel();
    running.await.unwrap().unwrap();
}

/// Fails, each time noting when.
struct Failing {
    at: Mutex<Vec<Instant>>,
    tell: mpsc::UnboundedSender<()>,
    breaks: bool,
}

#[async_trait]
impl Perform<u128> for Failing {
    async fn perform(&self, _id: Uuid, _effect: u128) -> Result<(), Retry> {
        self.at.lock().unwrap().push(Instant::now());
        self.tell.send(()).unwrap();
        assert!(!self.breaks, "a performer that panics");
        Err(Retry {
            after: Duration::from_millis(100),
            why: "not yet".into(),
        })
    }
}

async fn failures(breaks: bool, count: usize) -> Vec<Duration> {
    let log = mem();
    fill(&log, 1, 1).await.unwrap();
    let (tell, mut told) = mpsc::unbounded_channel();
    let at = Mutex::default();
    let failing = Arc::new(Failing { at, tell, breaks });
    let cancel = CancellationToken::new();
    let running = run(
        log,
        Todo::default(),
        failing.clone(),
        still(),
        cancel.clone(),
    );
    let running = tokio::spawn(running);
    for _ in 0..count {
        told.recv().await.unwrap();
    }
    cancel.cancel();
    running.await.unwrap().unwrap();
    let at = failing.at.lock().unwrap();
    at.windows(2).map(|it| it[1] - it[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn failures_wait_twice_as_long_each_time_up_to_a_bound() {
    let pauses = failures(false, 14).await;
    assert!(pauses[0] >= Duration::from_millis(100) && pauses[0] < Duration::from_millis(150));
    for pair in pauses.windows(2) {
        assert!(pair[1] >= pair[0].min(LONGEST_PAUSE), "{pauses:?}");
        assert!(
            pair[1] <= LONGEST_PAUSE + Duration::from_millis(10),
            "{pauses:?}"
        );
    }
    assert!(pauses[12] >= LONGEST_PAUSE);
}

#[tokio::test(start_paused = true)]
async fn a_performer_that_panics_is_tried_again() {
    let pauses = failures(true, 3).await;
    assert!(pauses[0] >= Duration::from_secs(1), "{pauses:?}");
}

/// Says that it is done although it is not.
struct Liar {
    times: AtomicU32,
}

#[async_trait]
impl Perform<u128> for Liar {
    async fn perform(&self, _id: Uuid, _effect: u128) -> Result<(), Retry> {
        self.times.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_changes_nothing_is_not_repeated_in_a_tight_loop() {
    let log = mem();
    fill(&log, 1, 1).await.unwrap();
    let liar = Arc::new(Liar {
        times: AtomicU32::new(0),
    });
    let cancel = CancellationToken::new();
    let running = run(log, Todo::default(), liar.clone(), still(), cancel.clone());
    let running = tokio::spawn(running);
    tokio::time::sleep(Duration::from_mins(10)).await;
    cancel.cancel();
    running.await.unwrap().unwrap();
    let times = liar.times.load(Ordering::SeqCst);
    assert!((10..60).contains(&times), "{times} times in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn what_is_due_later_starts_when_the_clock_says_so() {
    let log = mem();
    fill(&log, 1, 1).await.unwrap();
    let (hands, mut starts) = hands(&log, 100);
    let now = Arc::new(AtomicI64::new(0));
    let clock: Clock = {
        let now = now.clone();
        Arc::new(move || now.load(Ordering::SeqCst))
    };
    let todo = Todo {
        due_at_us: Some(3_600_000_000),
        ..Todo::default()
    };
    let cancel = CancellationToken::new();
    let running = tokio::spawn(run(log.clone(), todo, hands, clock, cancel.clone()));
    // However long we wait, the clock stands still.
    let early = tokio::time::timeout(Duration::from_hours(2), starts.recv()).await;
    assert!(early.is_err());
    now.store(3_600_000_000, Ordering::SeqCst);
    assert_eq!(starts.recv().await, Some(1));
    cancel.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn on_a_failing_log_everything_is_done() {
    for seed in 0..10 {
        let sim = SimLog::new(identity(), seed, Faults::OFF);
        let log: Arc<dyn EventLog> = Arc::new(sim.clone());
        fill(&log, 30, 1).await.unwrap();
        sim.set_faults(Faults::HARSH);
        let (hands, _starts) = hands(&log, 100_000);
        let cancel = CancellationToken::new();
        let running = run(log.clone(), Todo::default(), hands, still(), cancel.clone());
        let running = tokio::spawn(running);
        let all_done = async {
            loop {
                let mut done = 0;
                for n in 1001..=1030 {
                    // Away or not there yet: asked again in a while.
                    let version = sim.head(&slot(n)).await.map_or(0, |it| it.version);
                    done += u32::from(version > 0);
                }
                if done == 30 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_hours(1), all_done).await;
        assert!(waited.is_ok(), "seed {seed}: not everything was done");
        cancel.cancel();
        running.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_error_of_the_fold_ends_the_run() {
    struct Strict;
    impl Process for Strict {
        type Effect = u128;
        fn observe(&mut self, _: &Stored) -> Result<(), ReadError> {
            Err(ReadError::Closed)
        }
        fn react(&mut self, _now_us: i64) -> Reaction<u128> {
            Reaction {
                effects: vec![(Uuid::nil(), 0)],
                wake_at_us: None,
            }
        }
    }
    let log = mem();
    fill(&log, 1, 1).await.unwrap();
    let (hands, mut starts) = hands(&log, 1);
    let ended = run(log, Strict, hands, still(), CancellationToken::new()).await;
    assert_eq!(ended, Err(ReadError::Closed));
    assert!(starts.try_recv().is_err(), "acted on half a history");
}
