//! Commands become commits once, whatever the log does meanwhile.

use std::sync::Arc;

use bytes::Bytes;
use decider::Decider;
use futures::future::join_all;
use ids::{CommitId, Uuid, derive};

use super::{Context, ExecuteError, Idempotency, LogError, Repository};
use crate::codec::{Codec, UnknownEvent};
use crate::commit::EventRecord;
use crate::conformance::{event, identity, next, slot};
use crate::log::{AppendError, EventLog as _, Position, ReadError};
use crate::mem::MemLog;
use crate::sim::{Faults, SimLog};

/// A sum that must not pass 1,000.
struct Account;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Added(u64);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the account is full")]
struct Full;

impl Decider for Account {
    const KIND: &'static str = "account";
    type State = Vec<u64>;
    type Command = u64;
    type Event = Added;
    type Rejection = Full;

    fn decide(state: &Vec<u64>, add: &u64) -> Result<Vec<Added>, Full> {
        match add {
            0 => Ok(Vec::new()),
            add if state.iter().sum::<u64>() + add > 1000 => Err(Full),
            add => Ok(vec![Added(*add)]),
        }
    }

    fn evolve(mut state: Vec<u64>, event: &Added) -> Vec<u64> {
        state.push(event.0);
        state
    }
}

impl Codec for Account {
    type Event = Added;

    fn encode(event: &Added) -> EventRecord {
        EventRecord {
            kind: "towpath.test.v1.Added".into(),
            schema: 1,
            payload: Bytes::copy_from_slice(&event.0.to_be_bytes()),
        }
    }

    fn decode(record: &EventRecord) -> Result<Added, UnknownEvent> {
        if record.kind != "towpath.test.v1.Added" {
            return Err(UnknownEvent::new(record, "an account knows only `Added`"));
        }
        let bytes = <[u8; 8]>::try_from(&record.payload[..]);
        let bytes = bytes.map_err(|_| UnknownEvent::new(record, "not 8 bytes"))?;
        Ok(Added(u64::from_be_bytes(bytes)))
    }
}

const ID: Uuid = Uuid::from_u128(7);

fn context() -> Context {
    Context {
        actor: "tester".into(),
        now_us: 1,
        idempotency: None,
        correlation: None,
        causation: None,
    }
}

fn keyed(key: &str, request: u8) -> Context {
    Context {
        idempotency: Some(Idempotency {
            commit_id: CommitId(derive::commit("tester", "Add", key)),
            request_hash: [request; 32],
        }),
        ..context()
    }
}

fn on_mem() -> (MemLog, Repository<Account>) {
    let log = MemLog::new(identity());
    (log.clone(), Repository::new(Arc::new(log)))
}

#[tokio::test]
async fn a_command_becomes_a_commit_and_a_state() {
    let (log, accounts) = on_mem();
    let done = accounts.execute(ID, &context(), &5).await.unwrap();
    assert_eq!((done.state, done.version), (vec![5], 1));
    assert_eq!((done.position, done.repeated), (Some(Position(1)), false));
    assert_eq!(done.events, [Added(5)]);
    let done = accounts.execute(ID, &context(), &6).await.unwrap();
    assert_eq!(done.state, [5, 6]);
    assert_eq!(log.tail().await.unwrap().position, Position(2));
    let loaded = accounts.load(ID).await.unwrap();
    assert_eq!((loaded.state, loaded.head.version), (vec![5, 6], 2));
    assert_eq!(accounts.load_at(ID, 1).await.unwrap().state, [5]);
    assert_eq!(accounts.load_at(ID, 0).await.unwrap().state, [0; 0]);
}

#[tokio::test]
async fn a_refused_command_and_one_that_changes_nothing_store_nothing() {
    let (log, accounts) = on_mem();
    let refused = accounts.execute(ID, &context(), &1001).await;
    assert!(matches!(refused, Err(ExecuteError::Rejected(Full))));
    let nothing = accounts.execute(ID, &keyed("k", 1), &0).await.unwrap();
    assert_eq!((nothing.position, nothing.version), (None, 0));
    assert_eq!(log.tail().await.unwrap().position, Position(0));
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_for_ever() {
    let (log, accounts) = on_mem();
    let first = accounts.execute(ID, &keyed("k", 1), &600).await.unwrap();
    accounts.execute(ID, &context(), &300).await.unwrap();
    // Now it would be refused; but it was done.
    for accounts in [&accounts, &Repository::new(Arc::new(log.clone()))] {
        let again = accounts.execute(ID, &keyed("k", 1), &600).await.unwrap();
        assert!(again.repeated && !first.repeated);
        assert_eq!(again.state, first.state);
        assert_eq!(again.version, first.version);
        assert_eq!(again.position, first.position);
        assert_eq!(again.events, first.events);
    }
    assert_eq!(log.tail().await.unwrap().position, Position(2));
}

#[tokio::test]
async fn the_same_key_for_something_else_is_refused() {
    let (_log, accounts) = on_mem();
    accounts.execute(ID, &keyed("k", 1), &5).await.unwrap();
    let other_body = accounts.execute(ID, &keyed("k", 2), &6).await;
    assert!(matches!(other_body, Err(ExecuteError::Reused)));
    let other_aggregate = accounts.execute(Uuid::nil(), &keyed("k", 1), &5).await;
    assert!(matches!(other_aggregate, Err(ExecuteError::Reused)));
    assert_eq!(accounts.load(ID).await.unwrap().state, [5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_sent_a_hundred_times_at_once_is_done_once() {
    let log = MemLog::new(identity());
    // Two processes, each with callers of its own.
    let both = [1, 2].map(|_| Arc::new(Repository::<Account>::new(Arc::new(log.clone()))));
    let calls = (0..100).map(|n| {
        let accounts = both[n % 2].clone();
        tokio::spawn(async move { accounts.execute(ID, &keyed("k", 1), &600).await })
    });
    let mut first = 0;
    for done in join_all(calls).await {
        let done = done.unwrap().unwrap();
        assert_eq!((done.version, done.state), (1, vec![600]));
        first += u32::from(!done.repeated);
    }
    assert!(first >= 1);
    assert_eq!(log.tail().await.unwrap().position, Position(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_one_process_on_one_aggregate_never_lose() {
    let (log, accounts) = on_mem();
    let accounts = Arc::new(accounts);
    let calls = (0..200).map(|_| {
        let accounts = accounts.clone();
        tokio::spawn(async move { accounts.execute(ID, &context(), &1).await })
    });
    for done in join_all(calls).await {
        done.unwrap().unwrap();
    }
    assert_eq!(
        log.head(&super::AggregateId::new("account", ID))
            .await
            .unwrap()
            .version,
        200
    );
}

#[tokio::test]
async fn a_race_lost_five_times_is_reported() {
    let log = SimLog::new(
        identity(),
        1,
        Faults {
            conflict: 1000,
            ..Faults::OFF
        },
    );
    let accounts = Repository::<Account>::new(Arc::new(log.clone()));
    let lost = accounts.execute(ID, &context(), &1).await;
    assert!(matches!(lost, Err(ExecuteError::Lost(_))));
    log.set_faults(Faults::OFF);
    accounts.execute(ID, &context(), &1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_stays_unknown_is_reported_and_can_be_repeated() {
    for faults in [
        Faults {
            ambiguous_before: 1000,
            ..Faults::OFF
        },
        Faults {
            ambiguous_after: 1000,
            ..Faults::OFF
        },
    ] {
        let log = SimLog::new(identity(), 1, faults);
        let accounts = Repository::<Account>::new(Arc::new(log.clone()));
        let done = accounts.execute(ID, &keyed("k", 1), &5).await;
        // Stored but not acknowledged: found by its id.
        let stored = log.tail().await.unwrap().position == Position(1);
        assert_eq!(done.is_ok(), stored);
        if let Err(unknown) = done {
            assert!(matches!(unknown, ExecuteError::OutcomeUnknown), "{unknown}");
        }
        log.set_faults(Faults::OFF);
        let again = accounts.execute(ID, &keyed("k", 1), &5).await.unwrap();
        assert_eq!((again.state, again.repeated), (vec![5], stored));
        assert_eq!(log.tail().await.unwrap().position, Position(1));
    }
}

/// The heart of it: a caller that repeats until it has an answer gets everything done exactly
/// once, on a log that fails on every second call.
#[tokio::test(start_paused = true)]
async fn on_a_failing_log_every_command_is_done_exactly_once() {
    for seed in 0..30 {
        let log = SimLog::new(identity(), seed, Faults::HARSH);
        for n in 1..=20_u64 {
            let accounts = Repository::<Account>::new(Arc::new(log.clone()));
            let key = keyed(&format!("command {n}"), 1);
            let mut tries = 0;
            while accounts.execute(ID, &key, &n).await.is_err() {
                tries += 1;
                assert!(tries < 200, "seed {seed}: never done");
            }
        }
        log.set_faults(Faults::OFF);
        let accounts = Repository::<Account>::new(Arc::new(log));
        let state = accounts.load(ID).await.unwrap().state;
        assert_eq!(state, (1..=20).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[tokio::test]
async fn an_event_that_is_not_known_is_an_error_and_not_skipped() {
    let (log, accounts) = on_mem();
    let account = super::AggregateId::new("account", ID);
    let strange = next(&account, &crate::commit::Head::NONE, "strange");
    log.append(&strange).await.unwrap();
    let error = accounts.load(ID).await.err().unwrap();
    assert!(matches!(error, ReadError::Unknown(_)));
    assert!(error.to_string().contains(&event(b"").kind), "{error}");
    let refused = accounts.execute(ID, &context(), &1).await;
    assert!(matches!(
        refused,
        Err(ExecuteError::Log(LogError::Read(ReadError::Unknown(_))))
    ));
}

#[tokio::test]
async fn a_rewound_log_is_noticed_by_what_is_cached() {
    let log = SimLog::new(identity(), 1, Faults::OFF);
    let accounts = Repository::<Account>::new(Arc::new(log.clone()));
    for _ in 0..3 {
        accounts.execute(ID, &context(), &1).await.unwrap();
    }
    log.rewind(Position(2));
    let error = accounts.load(ID).await.err().unwrap();
    assert_eq!(error, ReadError::Beyond { asked: 3, tail: 2 });
    assert!(error.to_string().starts_with("LogRewound"));
}

#[tokio::test]
async fn a_raised_epoch_fences_a_repository_that_runs_on() {
    let (log, accounts) = on_mem();
    accounts.execute(ID, &context(), &1).await.unwrap();
    log.raise_epoch();
    let fenced = accounts.execute(ID, &context(), &1).await;
    assert!(matches!(
        fenced,
        Err(ExecuteError::Log(LogError::Append(AppendError::Fenced {
            commit: 1,
            log: 2
        })))
    ));
    let restarted = Repository::<Account>::new(Arc::new(log));
    restarted.execute(ID, &context(), &1).await.unwrap();
}

#[tokio::test]
async fn the_aggregate_of_another_kind_is_never_loaded() {
    let (log, accounts) = on_mem();
    let other = next(&slot(7), &crate::commit::Head::NONE, "of a slot");
    log.append(&other).await.unwrap();
    assert_eq!(accounts.load(ID).await.unwrap().head.version, 0);
}
