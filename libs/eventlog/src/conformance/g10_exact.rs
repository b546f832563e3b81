//! G10: bytes and fields come back exactly as written.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use ids::{CommitId, Uuid};

use super::{Outcome, Stand, append, draft, event, identity, slot};
use crate::commit::{Draft, EventRecord, Head, SealedCommit};

async fn round_trip(stand: &Arc<dyn Stand>, draft: Draft) -> Outcome {
    let log = stand.log();
    let aggregate = draft.aggregate.clone();
    let commit = SealedCommit::seal(draft, &log.head(&aggregate).await?, identity().epoch);
    log.append(&commit).await?;
    let stored = log.load(&aggregate, commit.version - 1).await?;
    assert_eq!(stored[0].commit, commit);
    assert_eq!(stored[0].commit.bytes(), commit.bytes());
    let log = stand.reopen().await?;
    let stored = log.resolve(&aggregate, commit.commit_id).await?;
    assert_eq!(stored.map(|it| it.commit), Some(commit));
    Ok(())
}

pub async fn bytes_and_hash_come_back_exactly(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let commit = append(&log, &slot(1), "first").await?;
    let stored = log.load(&slot(1), 0).await?;
    assert_eq!(stored[0].commit.bytes(), commit.bytes());
    assert_eq!(stored[0].commit.hash(), commit.hash());
    let opened = SealedCommit::open(stored[0].commit.bytes().clone(), commit.hash())?;
    assert_eq!(opened, commit);
    Ok(())
}

pub async fn every_field_comes_back(stand: Arc<dyn Stand>) -> Outcome {
    let mut full = draft(&slot(1), "full");
    full.correlation = Some(Uuid::from_u128(1));
    full.causation = Some(CommitId(Uuid::from_u128(2)));
    full.request_hash = Some([3; 32]);
    full.events = (0..3)
        .map(|n| EventRecord {
            schema: n + 1,
            ..event(b"payload")
        })
        .collect();
    round_trip(&stand, full).await
}

pub async fn empty_fields_come_back_empty(stand: Arc<dyn Stand>) -> Outcome {
    let mut empty = draft(&slot(1), "empty");
    empty.actor = String::new();
    empty.events = vec![EventRecord::default()];
    round_trip(&stand, empty).await
}

pub async fn hostile_text_and_bytes_come_back(stand: Arc<dyn Stand>) -> Outcome {
    let mut hostile = draft(&slot(1), "hostile");
    hostile.actor = "'; DROP TABLE commits; --\0\u{202e}\n é 🦀".into();
    let bytes: Vec<u8> = (0..=255).collect();
    hostile.events = vec![event(&bytes), event(b"\0\0\0"), event(b"")];
    round_trip(&stand, hostile).await
}

pub async fn extreme_times_come_back(stand: Arc<dyn Stand>) -> Outcome {
    for (n, at) in [(1, i64::MIN), (2, -1), (3, 0), (4, i64::MAX)] {
        let mut extreme = draft(&slot(n), "extreme");
        extreme.recorded_at_us = at;
        let commit = SealedCommit::seal(extreme, &Head::NONE, identity().epoch);
        stand.log().append(&commit).await?;
        let stored = stand.log().load(&slot(n), 0).await?;
        assert_eq!(stored[0].commit.recorded_at_us, at);
    }
    Ok(())
}
