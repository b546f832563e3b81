//! G14: a slow reader has bounded memory and does not hold up writers.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::{Outcome, Stand, draft, event, fill, identity, race, slot};
use crate::commit::{Head, SealedCommit};
use crate::log::Position;
use crate::subscription::Item;

pub async fn a_slow_subscriber_does_not_hold_up_writers(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 1, 1).await?;
    let mut slow = log.subscribe(Position(0)).await?;
    assert!(matches!(slow.next().await?, Item::Commit(_)));
    // Nobody asks the subscription for anything while all of these are written.
    let writing = async {
        for round in 0..4 {
            let many =
                (0..250).map(|n| super::next(&slot(10 + round * 250 + n), &Head::NONE, "first"));
            for result in race(&log, many.collect()).await? {
                result?;
            }
        }
        Ok::<_, super::Trouble>(())
    };
    tokio::time::timeout(Duration::from_mins(1), writing).await??;
    let mut expected = 2;
    while expected <= 1001 {
        if let Item::Commit(stored) = slow.next().await? {
            assert_eq!(stored.position.0, expected);
            expected += 1;
        }
    }
    Ok(())
}

pub async fn many_subscribers_each_get_everything(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let mut readers = Vec::new();
    for _ in 0..20 {
        let mut subscription = log.subscribe(Position(0)).await?;
        readers.push(tokio::spawn(async move {
            let mut commits = 0;
            while subscription.position() < Position(40) {
                commits += usize::from(matches!(subscription.next().await?, Item::Commit(_)));
            }
            Ok::<_, super::Trouble>(commits)
        }));
    }
    fill(&log, 8, 5).await?;
    let all = tokio::time::timeout(Duration::from_mins(1), join_all(readers)).await?;
    for commits in all {
        assert_eq!(commits??, 40);
    }
    Ok(())
}

pub async fn a_page_of_large_commits_is_bounded(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let large = |n| {
        let mut large = draft(&slot(n), "large");
        large.events = vec![event(&vec![0x55; 900_000])];
        SealedCommit::seal(large, &Head::NONE, identity().epoch)
    };
    for result in race(&log, (1..=12).map(large).collect()).await? {
        result?;
    }
    let mut after = Position(0);
    while after < Position(12) {
        let page = log.read(after, 1000).await?;
        let bytes: usize = page.iter().map(|it| it.commit.bytes().len()).sum();
        assert!(bytes <= 6 << 20, "a page of {bytes} bytes");
        let last = page
            .last()
            .ok_or("a page before the tail holds something")?;
        after = last.position;
    }
    Ok(())
}
