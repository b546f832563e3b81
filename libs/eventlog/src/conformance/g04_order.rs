//! G4: positions strictly increase; nothing becomes visible below a position already seen.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Outcome, Stand, append, fill, next, race, slot};
use crate::commit::Head;
use crate::log::Position;

pub async fn positions_strictly_increase(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let mut last = Position(0);
    for n in 1..=10 {
        let appended = log.append(&next(&slot(n), &Head::NONE, "first")).await?;
        assert!(appended.position > last);
        last = appended.position;
    }
    assert_eq!(log.tail().await?.position, last);
    Ok(())
}

pub async fn positions_strictly_increase_under_many_writers(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let commits = (1..=64)
        .map(|n| next(&slot(n), &Head::NONE, "first"))
        .collect();
    let mut acknowledged = Vec::new();
    for result in race(&log, commits).await? {
        acknowledged.push(result?.position);
    }
    acknowledged.sort_unstable();
    let stored = log.read(Position(0), 1000).await?;
    let stored: Vec<_> = stored.iter().map(|it| it.position).collect();
    assert_eq!(stored, acknowledged);
    assert!(stored.windows(2).all(|it| it[0] < it[1]));
    Ok(())
}

pub async fn nothing_appears_below_a_position_already_seen(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let done = Arc::new(AtomicBool::new(false));
    let watcher = {
        let (log, done) = (log.clone(), done.clone());
        tokio::spawn(async move {
            let mut seen = Vec::new();
            while !done.load(Ordering::SeqCst) {
                let now = log.read(Position(0), 10_000).await?;
                assert!(now.len() >= seen.len(), "the log shrank");
                assert_eq!(now[..seen.len()], seen, "something changed below the end");
                seen = now;
                tokio::task::yield_now().await;
            }
            Ok::<_, super::Trouble>(())
        })
    };
    let filled = fill(&log, 16, 8).await;
    done.store(true, Ordering::SeqCst);
    watcher.await??;
    filled
}

pub async fn pages_cover_the_log_without_gap_or_overlap(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 10, 5).await?;
    let all = log.read(Position(0), 1000).await?;
    assert_eq!(all.len(), 50);
    for size in [1, 7, 50, 51] {
        let mut paged = Vec::new();
        let mut after = Position(0);
        loop {
            let page = log.read(after, size).await?;
            assert!(page.len() <= size);
            let Some(last) = page.last() else { break };
            after = last.position;
            paged.extend(page);
        }
        assert_eq!(paged, all, "pages of {size}");
    }
    Ok(())
}

pub async fn a_limit_of_nothing_gives_nothing(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    append(&log, &slot(1), "first").await?;
    assert!(log.read(Position(0), 0).await?.is_empty());
    Ok(())
}

pub async fn reading_at_the_tail_gives_nothing(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    assert!(log.read(Position(0), 10).await?.is_empty());
    append(&log, &slot(1), "first").await?;
    let tail = log.tail().await?.position;
    assert!(log.read(tail, 10).await?.is_empty());
    Ok(())
}
