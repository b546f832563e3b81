//! G6: the same commit id is never stored twice, for ever.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use super::{Outcome, Stand, append, draft, event, fill, identity, next, race, slot};
use crate::commit::{Head, SealedCommit};
use crate::log::AppendError;

pub async fn the_same_commit_again_is_a_duplicate(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let commit = next(&slot(1), &Head::NONE, "once");
    let first = log.append(&commit).await?;
    let second = log.append(&commit).await?;
    assert!(!first.duplicate && second.duplicate);
    assert_eq!(first.position, second.position);
    assert_eq!(log.tail().await?.position, first.position);
    Ok(())
}

pub async fn a_duplicate_is_known_after_many_other_commits(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let commit = append(&log, &slot(1), "once").await?;
    append(&log, &slot(1), "twice").await?;
    for n in 0..4 {
        let others = (0..250).map(|it| next(&slot(100 + n * 250 + it), &Head::NONE, "other"));
        for result in race(&log, others.collect()).await? {
            result?;
        }
    }
    assert!(log.append(&commit).await?.duplicate);
    assert_eq!(log.tail().await?.position.0, 1002);
    Ok(())
}

pub async fn a_duplicate_is_known_after_reopening(stand: Arc<dyn Stand>) -> Outcome {
    let commit = append(&stand.log(), &slot(1), "once").await?;
    let log = stand.reopen().await?;
    assert!(log.append(&commit).await?.duplicate);
    assert_eq!(log.load(&slot(1), 0).await?.len(), 1);
    Ok(())
}

pub async fn a_commit_id_with_other_content_is_refused(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let first = append(&log, &slot(1), "key").await?;
    let mut other = draft(&slot(1), "key");
    other.events = vec![event(b"something else")];
    for head in [Head::NONE, first.head()] {
        let other = SealedCommit::seal(other.clone(), &head, identity().epoch);
        let refused = log.append(&other).await;
        let expected = AppendError::CommitIdTaken {
            commit_id: first.commit_id,
            aggregate: slot(1),
            version: 1,
        };
        assert_eq!(refused, Err(expected));
    }
    assert_eq!(log.load(&slot(1), 0).await?.len(), 1);
    Ok(())
}

pub async fn a_commit_id_on_another_aggregate_is_refused(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let first = append(&log, &slot(1), "key").await?;
    let mut other = draft(&slot(2), "key");
    other.commit_id = first.commit_id;
    let refused = log.append(&SealedCommit::seal(other, &Head::NONE, 1)).await;
    assert!(
        matches!(refused, Err(AppendError::CommitIdTaken { .. })),
        "{refused:?}"
    );
    assert_eq!(log.head(&slot(2)).await?, Head::NONE);
    Ok(())
}

pub async fn the_same_commit_sent_by_many_is_stored_once(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 2, 2).await?;
    let commit = next(&slot(9), &Head::NONE, "once");
    let results = race(&log, vec![commit; 32]).await?;
    let mut first = 0;
    for result in results {
        let appended = result?;
        assert_eq!(appended.position.0, 5);
        first += usize::from(!appended.duplicate);
    }
    assert_eq!(first, 1, "stored by exactly one");
    Ok(())
}
