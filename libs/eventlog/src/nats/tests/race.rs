//! The race that replicated servers before 2.9.21 lose: six writers, each with a connection of
//! its own, expect the same version of one aggregate.
//!
//! With the feature `unfenced` these tests must fail: they can see the bug.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::join_all;

use super::*;
use crate::commit::Head;
use crate::conformance::{next, slot};
use crate::log::{AppendError, EventLog as _};
use crate::nats::OpenError;
use crate::nats::publish::{Answer, Guard};

const WRITERS: usize = 6;
const ROUNDS: usize = 400;

/// Races, and gives the conflicts by error code. Fails when two writers win a round.
async fn race(options: &Options) -> Result<BTreeMap<u64, u64>, Trouble> {
    create(options, &identity()).await?;
    let mut logs = Vec::new();
    for _ in 0..WRITERS {
        logs.push(Arc::new(NatsLog::open(options).await?));
    }
    let mut head = Head::NONE;
    for round in 0..ROUNDS {
        let start = Arc::new(tokio::sync::Barrier::new(WRITERS));
        let writers = logs.iter().enumerate().map(|(writer, log)| {
            let commit = next(&slot(1), &head, &format!("round {round} writer {writer}"));
            let (log, start) = (log.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                (commit.head(), log.append(&commit).await)
            })
        });
        let mut won = Vec::new();
        for joined in join_all(writers).await {
            match joined? {
                (mine, Ok(_)) => won.push(mine),
                (_, Err(AppendError::Conflict { actual })) => {
                    assert_eq!(actual, head.version + 1, "round {round}");
                }
                (_, Err(other)) => return Err(format!("round {round}: {other}").into()),
            }
        }
        assert_eq!(won.len(), 1, "round {round}: winners");
        head = won[0];
    }
    let stored = logs[0].load(&slot(1), 0).await?;
    assert_eq!(stored.len(), ROUNDS);
    let mut conflicts = BTreeMap::new();
    for (code, count) in logs.iter().flat_map(|it| it.conflicts()) {
        *conflicts.entry(code).or_insert(0) += count;
    }
    Ok(conflicts)
}

/// The same with the guard by sequence alone: message ids that differ, so that no writer is
/// stopped by the other fence. Gives the refusals by error code.
async fn race_without_message_ids(options: &Options) -> Result<BTreeMap<u64, u64>, Trouble> {
    create(options, &identity()).await?;
    let mut logs = Vec::new();
    for _ in 0..WRITERS {
        logs.push(NatsLog::open(options).await?);
    }
    let (mut head, mut last) = (Head::NONE, 0);
    let mut refusals = BTreeMap::new();
    for round in 0..ROUNDS {
        let sending = (0..).zip(&logs).map(|(attempt, log)| async move {
            let commit = next(&slot(1), &head, &format!("round {round} writer {attempt}"));
            let guard = Guard { last, attempt };
            (commit.head(), log.held.shared.publish(&commit, guard).await)
        });
        let mut won = Vec::new();
        for (mine, answer) in join_all(sending).await {
            match answer {
                Answer::Stored(position) => won.push((mine, position)),
                Answer::Stale(code) => *refusals.entry(code).or_insert(0) += 1,
                other @ (Answer::Repeated(_)
                | Answer::InProcess
                | Answer::OtherStream
                | Answer::Full(_)
                | Answer::TooLarge
                | Answer::Forbidden(_)
                | Answer::Untaken(_)
                | Answer::Unknown(_)) => {
                    return Err(format!("round {round}: {other:?}").into());
                }
            }
        }
        assert_eq!(won.len(), 1, "round {round}: winners");
        (head, last) = won[0];
    }
    Ok(refusals)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_writers_on_three_servers_never_both_win() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 3, "")?;
    let conflicts = race(&fresh(&servers)).await?;
    println!("nats-2.15-R3: 0 double wins in {ROUNDS} rounds, conflicts by code {conflicts:?}");
    assert!(conflicts.values().sum::<u64>() > 0);
    let refusals = race_without_message_ids(&fresh(&servers)).await?;
    println!("nats-2.15-R3: by sequence alone 0 double wins, refusals by code {refusals:?}");
    assert!(
        refusals.get(&10164).is_some_and(|it| *it > 0),
        "{refusals:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_writers_on_one_old_server_never_both_win() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Old, 1, "")?;
    let conflicts = race(&fresh(&servers)).await?;
    println!("nats-2.9.10-R1: 0 double wins in {ROUNDS} rounds, conflicts by code {conflicts:?}");
    assert!(conflicts.values().sum::<u64>() > 0);
    let refusals = race_without_message_ids(&fresh(&servers)).await?;
    println!("nats-2.9.10-R1: by sequence alone 0 double wins, refusals by code {refusals:?}");
    Ok(())
}

#[tokio::test]
async fn three_old_servers_are_refused_and_the_least_version_is_named() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Old, 3, "")?;
    let options = fresh(&servers);
    for refused in [
        create(&options, &identity()).await.err(),
        NatsLog::open(&options).await.err(),
    ] {
        let refused = refused.expect("it is refused");
        assert!(matches!(refused, OpenError::Version { .. }), "{refused}");
        let text = refused.to_string();
        assert!(text.contains("2.9.10") && text.contains("2.9.21"), "{text}");
    }
    Ok(())
}
