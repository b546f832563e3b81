//! A server that comes back with an older copy of its store.

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::checkpoint::Lie;
use crate::commit::Head;
use crate::conformance::{append, next, slot};
use crate::log::{AppendError, EventLog, LogIdentity, Position, ReadError};
use crate::nats::{OpenError, restore};
use std::sync::Arc;

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_store_halts_everything_until_the_log_is_restored() -> Result<(), Trouble> {
    let mut servers = Servers::start(Kind::Current, 1, "")?;
    let options = fresh(&servers);
    let log = opened(&options).await?;
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    for n in 0..5 {
        append(&shared, &slot(1), &format!("kept {n}")).await?;
    }
    servers.kill(0);
    let kept = tempfile::tempdir()?;
    copy(&servers.store(0), kept.path())?;
    servers.restart(0)?;
    for n in 0..3 {
        append(&shared, &slot(1), &format!("lost {n}")).await?;
    }
    let all = log.read(Position(0), 100).await?;
    assert_eq!(all.len(), 8);
    let mut subscription = log.subscribe(Position(8)).await?;

    servers.kill(0);
    std::fs::remove_dir_all(servers.store(0))?;
    copy(kept.path(), &servers.store(0))?;
    servers.restart(0)?;
    let mut halted = log.halted();
    let halting = halted.wait_for(Option::is_some);
    let why = tokio::time::timeout(Duration::from_secs(5), halting)
        .await??
        .clone();
    assert!(why.is_some_and(|it| it.contains("LogRewound")));

    let lie = Lie::LogRewound {
        read: Position(8),
        tail: Position(5),
    };
    // A new aggregate would find nothing in its way.
    let refused = log.append(&next(&slot(9), &Head::NONE, "new")).await;
    assert_eq!(refused, Err(AppendError::Lie(lie.clone())));
    assert_eq!(
        log.read(Position(0), 1).await,
        Err(ReadError::Lie(lie.clone()))
    );
    assert_eq!(log.head(&slot(1)).await, Err(ReadError::Lie(lie.clone())));
    loop {
        match subscription.next().await {
            Ok(crate::subscription::Item::CaughtUp(_)) => {}
            ended => {
                assert_eq!(ended, Err(ReadError::Lie(lie)));
                break;
            }
        }
    }

    let next = LogIdentity {
        epoch: 2,
        ..identity()
    };
    // From here on it is no defect that there is no answer: it passes.
    let broken_off = [Err(OpenError::Options("the archive broke off".into()))];
    let broken_off = restore(&options, &next, futures::stream::iter(broken_off)).await;
    assert!(broken_off.is_err());
    restoring::until_restoring(&log).await?;
    let commits = all.iter().map(|it| Ok(it.commit.clone()));
    restore(&options, &next, futures::stream::iter(commits)).await?;
    let mut newer = log.newer_epoch();
    assert_eq!(*newer.wait_for(Option::is_some).await?, Some(2));
    let again = NatsLog::open(&options).await?;
    assert_eq!(again.read(Position(0), 100).await?, all);
    assert_eq!(again.identity().await?, next);
    Ok(())
}

/// Nothing is acknowledged in a store that lost its end, even by whoever asks first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_that_waits_for_the_server_is_not_stored_in_an_older_copy() -> Result<(), Trouble>
{
    let mut servers = Servers::start(Kind::Current, 1, "")?;
    let options = fresh(&servers);
    let log = opened(&options).await?;
    servers.kill(0);
    let kept = tempfile::tempdir()?;
    copy(&servers.store(0), kept.path())?;
    servers.restart(0)?;
    log.append(&next(&slot(1), &Head::NONE, "lost")).await?;
    servers.kill(0);
    std::fs::remove_dir_all(servers.store(0))?;
    copy(kept.path(), &servers.store(0))?;
    let waiting = {
        let log = log.clone();
        tokio::spawn(async move { log.append(&next(&slot(2), &Head::NONE, "new")).await })
    };
    tokio::task::yield_now().await;
    servers.restart(0)?;
    let refused = waiting.await?;
    assert!(
        matches!(refused, Err(AppendError::Lie(Lie::LogRewound { .. }))),
        "{refused:?}"
    );
    Ok(())
}
