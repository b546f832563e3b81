//! Failures follow from the seed, and each is what it says.

use std::sync::Arc;

use super::{Faults, SimLog};
use crate::checkpoint::{CheckError, Checkpoint, Lie, check};
use crate::commit::Head;
use crate::conformance::{append, fill, identity, next, slot};
use crate::corrupt::Corrupt;
use crate::log::{AppendError, EventLog, Position, ReadError};
use crate::subscription::Item;

/// What a hundred appends met, in words.
async fn story(seed: u64) -> Vec<String> {
    let log = SimLog::new(identity(), seed, Faults::HARSH);
    let mut story = Vec::new();
    for n in 1..=100 {
        story.push(format!(
            "{:?}",
            log.append(&next(&slot(n), &Head::NONE, "first")).await
        ));
    }
    story
}

#[tokio::test]
async fn the_same_seed_fails_the_same_way() {
    assert_eq!(story(1).await, story(1).await);
    assert_ne!(story(1).await, story(2).await);
    let told = story(3).await.join("\n");
    for kind in ["Ambiguous", "Conflict", "Unavailable", "Ok"] {
        assert!(told.contains(kind), "{kind} never happened");
    }
}

#[tokio::test]
async fn ambiguous_before_stores_nothing_and_after_stores() {
    for (faults, stored) in [
        (
            Faults {
                ambiguous_before: 1000,
                ..Faults::OFF
            },
            0,
        ),
        (
            Faults {
                ambiguous_after: 1000,
                ..Faults::OFF
            },
            1,
        ),
    ] {
        let log = SimLog::new(identity(), 1, faults);
        let refused = log.append(&next(&slot(1), &Head::NONE, "first")).await;
        assert!(matches!(refused, Err(AppendError::Ambiguous(_))));
        assert_eq!(log.tail().await.unwrap().position, Position(stored));
    }
}

#[tokio::test]
async fn conflicts_and_absence_store_nothing() {
    for faults in [
        Faults {
            conflict: 1000,
            ..Faults::OFF
        },
        Faults {
            unavailable: 1000,
            ..Faults::OFF
        },
    ] {
        let log = SimLog::new(identity(), 1, faults);
        log.append(&next(&slot(1), &Head::NONE, "first"))
            .await
            .unwrap_err();
        log.set_faults(Faults::OFF);
        assert_eq!(log.tail().await.unwrap().position, Position(0));
    }
}

#[tokio::test]
async fn a_delayed_commit_is_seen_later_in_order_and_once() {
    let log = SimLog::new(
        identity(),
        5,
        Faults {
            delayed: 500,
            ..Faults::OFF
        },
    );
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    let mut subscription = log.subscribe(Position(0)).await.unwrap();
    fill(&shared, 10, 5).await.unwrap();
    let seen_at_once = *log.shared.seen.borrow();
    let mut last = Position(0);
    while last < Position(50) {
        if let Item::Commit(stored) = subscription.next().await.unwrap() {
            assert_eq!(stored.position.0, last.0 + 1);
            last = stored.position;
        }
    }
    assert!(seen_at_once <= last);
    assert_eq!(shared.read(Position(0), 100).await.unwrap().len(), 50);
}

#[tokio::test]
async fn damage_is_named_by_every_way_of_reading() {
    let log = SimLog::new(identity(), 1, Faults::OFF);
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    fill(&shared, 2, 2).await.unwrap();
    let victim = shared.read(Position(2), 1).await.unwrap().remove(0);
    assert!(log.flip(Position(3), 9 * 8).await);
    assert!(!log.flip(Position(9), 0).await);
    let named = |error: ReadError| {
        let text = error.to_string();
        assert!(matches!(error, ReadError::Corrupt(_)), "{text}");
        assert!(
            text.contains(&victim.commit.aggregate.to_string()),
            "{text}"
        );
        assert!(text.contains("position 3"), "{text}");
    };
    named(shared.read(Position(0), 10).await.unwrap_err());
    named(shared.load(&victim.commit.aggregate, 0).await.unwrap_err());
    let found = shared.resolve(&victim.commit.aggregate, victim.commit.commit_id);
    named(found.await.unwrap_err());
    let mut subscription = shared.subscribe(Position(0)).await.unwrap();
    named(subscription.next().await.unwrap_err());
    assert_eq!(shared.read(Position(0), 2).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_torn_commit_is_named_at_every_length() {
    let log = SimLog::new(identity(), 1, Faults::OFF);
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    let commit = append(&shared, &slot(1), "first").await.unwrap();
    let whole = commit.bytes().len();
    assert!(!log.tear(Position(1), whole).await);
    for length in 0..whole {
        assert!(log.tear(Position(1), length).await);
        let found = shared.load(&slot(1), 0).await;
        assert!(
            matches!(
                &found,
                Err(ReadError::Corrupt(Corrupt::Undecodable { at, .. } | Corrupt::HashMismatch { at }))
                    if at.aggregate == Some(slot(1)) && at.version == Some(1)
            ),
            "{length}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_rewound_log_is_named_to_readers_and_checkpoints() {
    let log = SimLog::new(identity(), 1, Faults::OFF);
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    fill(&shared, 1, 5).await.unwrap();
    let mut subscription = shared.subscribe(Position(5)).await.unwrap();
    let tail = shared.tail().await.unwrap();
    let checkpoint = Checkpoint {
        position: tail.position,
        hash: tail.hash,
        ..Checkpoint::start(&identity())
    };
    log.rewind(Position(3));
    let (read, tail) = (Position(5), Position(3));
    assert_eq!(
        check(&log, &checkpoint).await,
        Err(CheckError::Lie(Lie::LogRewound { read, tail }))
    );
    assert_eq!(
        subscription.next().await,
        Err(ReadError::Beyond { asked: 5, tail: 3 })
    );
    // Written anew up to the same length: another history.
    for n in 0..2 {
        append(&shared, &slot(1), &format!("anew {n}"))
            .await
            .unwrap();
    }
    let at = Position(5);
    assert_eq!(
        check(&log, &checkpoint).await,
        Err(CheckError::Lie(Lie::LogForked { at }))
    );
}
