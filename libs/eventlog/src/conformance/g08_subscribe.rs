//! G8: a subscription is ordered, without gap or duplicate, and resumable from any position.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;
use std::time::Duration;

use super::{Outcome, Stand, Trouble, append, fill, slot};
use crate::commit::Stored;
use crate::log::{EventLog, Position, ReadError};
use crate::subscription::{Item, Subscription};

/// Commits until a position, whatever comes between.
async fn until(subscription: &mut Subscription, last: Position) -> Result<Vec<Stored>, Trouble> {
    let mut commits = Vec::new();
    let collect = async {
        while subscription.position() < last {
            if let Item::Commit(stored) = subscription.next().await? {
                commits.push(stored);
            }
        }
        Ok::<_, ReadError>(())
    };
    tokio::time::timeout(Duration::from_secs(30), collect).await??;
    Ok(commits)
}

async fn all(log: &Arc<dyn EventLog>) -> Result<Vec<Stored>, Trouble> {
    Ok(log.read(Position(0), 100_000).await?)
}

pub async fn an_empty_log_is_caught_up_at_once(stand: Arc<dyn Stand>) -> Outcome {
    let mut subscription = stand.log().subscribe(Position(0)).await?;
    assert_eq!(subscription.next().await?, Item::CaughtUp(Position(0)));
    Ok(())
}

pub async fn everything_comes_in_order_then_caught_up(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 6, 5).await?;
    let mut subscription = log.subscribe(Position(0)).await?;
    for expected in all(&log).await? {
        assert_eq!(subscription.next().await?, Item::Commit(expected));
    }
    assert_eq!(subscription.next().await?, Item::CaughtUp(Position(30)));
    Ok(())
}

pub async fn a_subscription_starts_after_any_position(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 4, 3).await?;
    let stored = all(&log).await?;
    for after in 0..=12 {
        let mut subscription = log.subscribe(Position(after)).await?;
        let rest = until(&mut subscription, Position(12)).await?;
        assert_eq!(rest, stored[usize::try_from(after)?..]);
        assert_eq!(subscription.next().await?, Item::CaughtUp(Position(12)));
    }
    Ok(())
}

pub async fn what_is_appended_later_comes_as_well(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let mut subscription = log.subscribe(Position(0)).await?;
    assert_eq!(subscription.next().await?, Item::CaughtUp(Position(0)));
    for n in 1..=5 {
        let waiting = tokio::spawn(async move {
            let item = subscription.next().await;
            (subscription, item)
        });
        let commit = append(&log, &slot(1), &format!("commit {n}")).await?;
        let (returned, item) = waiting.await?;
        subscription = returned;
        let position = Position(n);
        assert_eq!(item?, Item::Commit(Stored { position, commit }));
        assert_eq!(subscription.next().await?, Item::CaughtUp(position));
    }
    Ok(())
}

pub async fn there_is_no_gap_between_stored_and_live(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 8, 4).await?;
    let writer = {
        let log = log.clone();
        tokio::spawn(async move {
            for n in 0..64 {
                append(&log, &slot(100 + n % 3), &format!("live {n}")).await?;
            }
            Ok::<_, Trouble>(())
        })
    };
    let mut subscription = log.subscribe(Position(0)).await?;
    let seen = until(&mut subscription, Position(96)).await?;
    writer.await??;
    assert_eq!(seen, all(&log).await?);
    Ok(())
}

pub async fn two_subscriptions_see_the_same(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let mut one = log.subscribe(Position(0)).await?;
    let mut two = log.subscribe(Position(0)).await?;
    fill(&log, 6, 6).await?;
    let seen = until(&mut one, Position(36)).await?;
    assert_eq!(seen, until(&mut two, Position(36)).await?);
    assert_eq!(seen.len(), 36);
    Ok(())
}

pub async fn a_dropped_wait_loses_nothing(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let mut subscription = log.subscribe(Position(0)).await?;
    let mut seen = Vec::new();
    for n in 1..=30 {
        append(&log, &slot(1), &format!("commit {n}")).await?;
        // Gives up after nothing, then after a little: both are dropped in the middle.
        for wait in [Duration::ZERO, Duration::from_micros(50 * n)] {
            let next = tokio::time::timeout(wait, subscription.next()).await;
            if let Ok(item) = next
                && let Item::Commit(stored) = item?
            {
                seen.push(stored);
            }
        }
    }
    seen.extend(until(&mut subscription, Position(30)).await?);
    assert_eq!(seen, all(&log).await?);
    Ok(())
}

pub async fn subscribing_beyond_the_tail_is_named(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    append(&log, &slot(1), "first").await?;
    let refused = log.subscribe(Position(2)).await.err();
    assert_eq!(refused, Some(ReadError::Beyond { asked: 2, tail: 1 }));
    Ok(())
}

pub async fn batches_are_bounded_and_in_order(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 10, 3).await?;
    let mut subscription = log.subscribe(Position(0)).await?;
    let mut seen = Vec::new();
    while seen.len() < 30 {
        let batch = subscription.batch(7).await?;
        assert!((1..=7).contains(&batch.len()));
        seen.extend(batch);
    }
    assert_eq!(seen, all(&log).await?);
    assert_eq!(subscription.position(), Position(30));
    Ok(())
}
