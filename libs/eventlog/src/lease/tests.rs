//! One holder at a time, in both databases; and of two replicas one performs.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ids::Uuid;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Gate, Keeper, Leases};
use crate::cluster::{schema, start};
use crate::commit::Stored;
use crate::conformance::{append, identity, slot};
use crate::log::{EventLog, ReadError};
use crate::mem::MemLog;
use crate::process::{Clock, Perform, Process, Reaction, Retry, run_gated};
use crate::projector::Database;

const MINUTE: Duration = Duration::from_mins(1);
const MINUTE_US: i64 = 60_000_000;

async fn one_holder_at_a_time(database: &Database) {
    let leases = Leases::open(database).await.unwrap();
    let again = Leases::open(database).await.unwrap();
    let first = leases.acquire("effects", "one", 0, MINUTE).await.unwrap();
    let first = first.unwrap();
    assert_eq!((first.fence, first.expires_us), (1, MINUTE_US));
    let refused = again.acquire("effects", "two", MINUTE_US - 1, MINUTE).await;
    assert_eq!(refused.unwrap(), None);
    // Another resource is another lease.
    let other = again.acquire("timers", "two", 0, MINUTE).await.unwrap();
    assert_eq!(other.unwrap().fence, 1);
    // Prolonged, it ends later.
    let longer = leases.acquire("effects", "one", 30_000_000, MINUTE).await;
    assert_eq!(longer.unwrap().unwrap().fence, 1);
    let refused = again.acquire("effects", "two", MINUTE_US, MINUTE).await;
    assert_eq!(refused.unwrap(), None);
    // Ended, it goes to somebody else, and its holder learns that it has it no more.
    let taken = again.acquire("effects", "two", 90_000_000, MINUTE).await;
    assert_eq!(taken.unwrap().unwrap().fence, 2);
    leases.release(&first).await.unwrap();
    let late = leases.acquire("effects", "one", 90_000_001, MINUTE).await;
    assert_eq!(late.unwrap(), None);
    // Let go, it is free at once.
    let second = again.acquire("effects", "two", 90_000_002, MINUTE).await;
    again.release(&second.unwrap().unwrap()).await.unwrap();
    let third = leases.acquire("effects", "one", 90_000_003, MINUTE).await;
    assert_eq!(third.unwrap().unwrap().fence, 3);
    // Of ten who ask at once, one gets it.
    let asked = (0..10).map(|n| {
        let leases = leases.clone();
        async move {
            leases
                .acquire("rush", &format!("holder {n}"), 0, MINUTE)
                .await
        }
    });
    let asked = futures::future::join_all(asked).await;
    let given = asked.into_iter().filter_map(|it| it.unwrap());
    assert_eq!(given.count(), 1);
    leases.close().await;
    again.close().await;
}

#[tokio::test]
async fn one_holder_at_a_time_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("read.db");
    std::fs::write(&path, b"").unwrap();
    one_holder_at_a_time(&(&path).into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_holder_at_a_time_postgres() {
    let cluster = start();
    one_holder_at_a_time(&schema(&cluster, "runner").into()).await;
}

/// For every commit on `slot:<n>` an effect, until `slot:<1000 + n>` says that it is done.
#[derive(Default)]
struct Todo(std::collections::BTreeMap<u128, bool>);

impl Process for Todo {
    type Effect = u128;

    fn observe(&mut self, stored: &Stored) -> Result<(), ReadError> {
        match stored.commit.aggregate.id().as_u128() {
            n if n > 1000 => self.0.insert(n - 1000, true),
            n => Some(*self.0.entry(n).or_default()),
        };
        Ok(())
    }

    fn react(&mut self, _now_us: i64) -> Reaction<u128> {
        let due = self.0.iter().filter(|it| !it.1).map(|it| *it.0);
        Reaction {
            effects: due.map(|n| (Uuid::from_u128(n), n)).collect(),
            wake_at_us: None,
        }
    }
}

struct Hands {
    name: &'static str,
    log: Arc<dyn EventLog>,
    did: mpsc::UnboundedSender<(&'static str, u128)>,
}

#[async_trait]
impl Perform<u128> for Hands {
    async fn perform(&self, _id: Uuid, effect: u128) -> Result<(), Retry> {
        self.did.send((self.name, effect)).unwrap();
        append(&self.log, &slot(1000 + effect), "done")
            .await
            .unwrap();
        Ok(())
    }
}

#[tokio::test]
async fn of_two_replicas_one_performs_until_its_lease_ends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("read.db");
    std::fs::write(&path, b"").unwrap();
    let log: Arc<dyn EventLog> = Arc::new(MemLog::new(identity()));
    let now = Arc::new(AtomicI64::new(0));
    let clock: Clock = {
        let now = now.clone();
        Arc::new(move || now.load(Ordering::SeqCst))
    };
    let (did, mut done) = mpsc::unbounded_channel();
    // Short enough that it asks often; by the clock, which stands, it lasts for ever.
    let lasts = Duration::from_millis(30);
    let replica = async |name: &'static str| {
        let leases = Leases::open(&(&path).into()).await.unwrap();
        let keeper = Keeper::new(leases, "effects", name, lasts, clock.clone());
        let (gate, keeping, performing) = (
            keeper.gate(),
            CancellationToken::new(),
            CancellationToken::new(),
        );
        tokio::spawn({
            let keeping = keeping.clone();
            async move { keeper.run(keeping).await }
        });
        let (log, did) = (log.clone(), did.clone());
        let hands = Arc::new(Hands {
            name,
            log: log.clone(),
            did,
        });
        tokio::spawn(run_gated(
            log,
            Todo::default(),
            hands,
            clock.clone(),
            gate.clone(),
            performing.clone(),
        ));
        (gate, keeping, performing)
    };
    let (mut gate, one_keeps, one_performs) = replica("one").await;
    while !gate.is_open(0) {
        gate.changed().await;
    }
    let (second, _two_keeps, _two_performs) = replica("two").await;
    for n in 1..=5 {
        append(&log, &slot(n), "please").await.unwrap();
        assert_eq!(done.recv().await.unwrap(), ("one", n));
    }
    assert!(!second.is_open(0));
    // The first one dies without a word; its lease ends; the other one goes on.
    one_performs.cancel();
    now.store(10_000_000, Ordering::SeqCst);
    one_keeps.cancel();
    append(&log, &slot(6), "please").await.unwrap();
    assert_eq!(done.recv().await.unwrap(), ("two", 6));
    assert!(!gate.is_open(10_000_000));
}

#[test]
fn a_gate_without_a_keeper_is_open() {
    assert!(Gate::always().is_open(i64::MAX - 1));
}

/// A clock that can be set.
fn clock_at(now_us: &Arc<AtomicI64>) -> Clock {
    let now_us = Arc::clone(now_us);
    Arc::new(move || now_us.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_second_one_is_told_who_is_there_and_waits_for_one_that_died() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("read.db");
    std::fs::write(&path, b"").unwrap();
    let leases = Leases::open(&(&path).into()).await.unwrap();
    let now_us = Arc::new(AtomicI64::new(0));
    let lasts = Duration::from_millis(300);
    let keeper = |holder| Keeper::new(leases.clone(), "runner", holder, lasts, clock_at(&now_us));
    let first = keeper("first:/data");
    assert_eq!(first.take().await.unwrap(), Ok(()));
    assert!(first.gate().is_open(0));
    // Where the first one was started again it goes on at once.
    assert_eq!(keeper("first:/data").take().await.unwrap(), Ok(()));
    let second = keeper("second:/data");
    let refused = second.take().await.unwrap();
    assert_eq!(refused, Err("first:/data".to_owned()));
    assert!(!second.gate().is_open(0));
    let waiting = tokio::spawn({
        let second = Arc::clone(&second);
        async move { second.take().await.unwrap() }
    });
    now_us.store(300_000, Ordering::SeqCst);
    assert_eq!(waiting.await.unwrap(), Ok(()));
}
