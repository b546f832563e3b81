//! G1: a commit of 1..n events is stored whole or not at all.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use super::{Outcome, Stand, append, draft, event, identity, next, slot};
use crate::commit::{Head, SealedCommit};
use crate::log::{AppendError, Position};

pub async fn a_commit_of_many_events_is_read_whole(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let mut many = draft(&slot(1), "many");
    many.events = (0..200_u32).map(|n| event(&n.to_be_bytes())).collect();
    let commit = SealedCommit::seal(many, &Head::NONE, identity().epoch);
    log.append(&commit).await?;
    let loaded = log.load(&slot(1), 0).await?;
    assert_eq!(loaded.len(), 1);
    assert_eq!(loaded[0].commit.events, commit.events);
    assert_eq!(log.read(Position(0), 10).await?, loaded);
    Ok(())
}

pub async fn a_refused_commit_leaves_nothing(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    append(&log, &slot(1), "first").await?;
    let before = log.tail().await?;
    let mut late = draft(&slot(1), "late");
    late.events = vec![event(b"a"), event(b"b")];
    let late = SealedCommit::seal(late, &Head::NONE, identity().epoch);
    assert!(log.append(&late).await.is_err());
    assert_eq!(log.tail().await?, before);
    assert_eq!(log.load(&slot(1), 0).await?.len(), 1);
    assert_eq!(log.resolve(&slot(1), late.commit_id).await?, None);
    Ok(())
}

pub async fn a_commit_without_events_is_refused(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let mut empty = draft(&slot(1), "empty");
    empty.events.clear();
    let empty = SealedCommit::seal(empty, &Head::NONE, identity().epoch);
    let refused = log.append(&empty).await;
    assert!(
        matches!(refused, Err(AppendError::Forbidden(_))),
        "{refused:?}"
    );
    log.append(&next(&slot(1), &Head::NONE, "first")).await?;
    Ok(())
}
