//! Servers that go away and come back: nothing lost, nothing doubled, nobody has to act.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::commit::{Head, SealedCommit};
use crate::conformance::{append, draft, event, next, slot};
use crate::log::{AppendError, EventLog, Position, ReadError};
use crate::nats::api::Api;
use crate::nats::connect::connect;
use crate::subscription::Item;

/// Appends one more commit, the same one again while it is not known whether it is stored.
async fn insist(log: &Arc<dyn EventLog>, n: u64) -> Result<(), Trouble> {
    let head = loop {
        match log.head(&slot(1)).await {
            Ok(head) => break head,
            Err(ReadError::Unavailable(_)) => {}
            Err(other) => return Err(other.into()),
        }
    };
    let commit = next(&slot(1), &head, &format!("commit {n}"));
    loop {
        match log.append(&commit).await {
            Ok(_) => return Ok(()),
            Err(AppendError::Ambiguous(_) | AppendError::Unavailable(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
}

async fn leader(options: &Options) -> Result<usize, Trouble> {
    let (client, _) = connect(options).await?;
    let info = Api::new(client, options.timeouts)
        .info(&options.place.stream(1))
        .await?;
    let name = info.cluster.and_then(|it| it.leader).ok_or("no leader")?;
    Ok(name.trim_start_matches('n').parse()?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_leader_is_killed_twice_while_commits_are_written_and_read() -> Result<(), Trouble> {
    const ALL: u64 = 300;
    let mut servers = Servers::start(Kind::Current, 3, "")?;
    let options = fresh(&servers);
    let log = opened(&options).await?;
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    let mut subscription = log.subscribe(Position(0)).await?;
    let reader = tokio::spawn(async move {
        let mut ids = BTreeSet::new();
        while subscription.position() < Position(ALL) {
            if let Item::Commit(stored) = subscription.next().await? {
                assert_eq!(stored.position.0, ids.len() as u64 + 1);
                ids.insert(stored.commit.commit_id);
            }
        }
        Ok::<_, ReadError>(ids.len())
    });
    let writer = {
        let shared = shared.clone();
        tokio::spawn(async move {
            for n in 0..ALL {
                insist(&shared, n).await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok::<_, Trouble>(())
        })
    };
    for _ in 0..2 {
        let victim = leader(&options).await?;
        servers.kill(victim);
        tokio::time::sleep(Duration::from_millis(500)).await;
        servers.restart(victim)?;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    writer.await??;
    assert_eq!(reader.await?? as u64, ALL);
    assert_eq!(log.load(&slot(1), 0).await?.len() as u64, ALL);
    assert_eq!(*log.halted().borrow(), None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_away_is_used_again_and_subscriptions_go_on() -> Result<(), Trouble> {
    let mut servers = Servers::start(Kind::Current, 1, "")?;
    let mut options = fresh(&servers);
    options.timeouts.patience = Duration::from_millis(300);
    let log = opened(&options).await?;
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    let before = append(&shared, &slot(1), "before").await?;
    let mut subscription = log.subscribe(Position(0)).await?;
    assert_eq!(subscription.batch(9).await?.len(), 1);
    servers.kill(0);
    let away = next(&slot(1), &before.head(), "away");
    let refused = log.append(&away).await;
    assert!(
        matches!(
            refused,
            Err(AppendError::Unavailable(_) | AppendError::Ambiguous(_))
        ),
        "{refused:?}"
    );
    servers.restart(0)?;
    loop {
        match log.append(&away).await {
            Ok(_) => break,
            Err(AppendError::Unavailable(_) | AppendError::Ambiguous(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    assert_eq!(subscription.batch(9).await?[0].commit, away);
    assert_eq!(log.load(&slot(1), 0).await?.len(), 2);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_log_says_so_and_ends_its_subscriptions() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    let log = opened(&fresh(&servers)).await?;
    let mut subscription = log.subscribe(Position(0)).await?;
    assert_eq!(subscription.next().await?, Item::CaughtUp(Position(0)));
    let waiting = tokio::spawn(async move { subscription.next().await });
    tokio::task::yield_now().await;
    log.close().await;
    assert_eq!(waiting.await?, Err(ReadError::Closed));
    assert_eq!(log.head(&slot(1)).await, Err(ReadError::Closed));
    let refused = log.append(&next(&slot(1), &Head::NONE, "late")).await;
    assert!(
        matches!(refused, Err(AppendError::Unavailable(_))),
        "{refused:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_says_so_and_reads_go_on() -> Result<(), Trouble> {
    let store = tempfile::tempdir()?;
    let more = format!(
        "jetstream {{ store_dir: \"{}\", max_file_store: 4MB }}",
        store.path().display()
    );
    let servers = Servers::start(Kind::Current, 1, &more)?;
    let log = opened(&fresh(&servers)).await?;
    let mut acknowledged = 0;
    let refused = loop {
        let mut large = draft(&slot(acknowledged), "large");
        large.events = vec![event(&vec![7; 900_000])];
        match log
            .append(&SealedCommit::seal(large, &Head::NONE, identity().epoch))
            .await
        {
            Ok(_) => acknowledged += 1,
            Err(error) => break error,
        }
        assert!(acknowledged < 20, "more than the server has room for");
    };
    assert!(matches!(refused, AppendError::Full(_)), "{refused:?}");
    assert_eq!(u128::from(log.tail().await?.position.0), acknowledged);
    assert_eq!(log.load(&slot(0), 0).await?.len(), 1);
    Ok(())
}
