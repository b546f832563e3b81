//! G15: writers of an older epoch are fenced.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use super::{Outcome, Stand, append, draft, slot};
use crate::commit::SealedCommit;
use crate::log::AppendError;

pub async fn a_commit_of_an_older_epoch_is_fenced(stand: Arc<dyn Stand>) -> Outcome {
    let old = stand.log();
    let before = append(&old, &slot(1), "before").await?;
    assert_eq!(stand.raise_epoch().await?, 2);
    let log = stand.log();
    let head = log.head(&slot(1)).await?;
    assert_eq!(head, before.head());
    let late = SealedCommit::seal(draft(&slot(1), "late"), &head, 1);
    // By whoever opened the log before, and by whoever opened it since.
    for writer in [&old, &log] {
        let refused = writer.append(&late).await;
        assert_eq!(refused, Err(AppendError::Fenced { commit: 1, log: 2 }));
    }
    let new = SealedCommit::seal(draft(&slot(1), "new"), &head, 2);
    log.append(&new).await?;
    assert_eq!(log.load(&slot(1), 0).await?.len(), 2);
    Ok(())
}

pub async fn a_commit_of_a_later_epoch_is_fenced(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let head = log.head(&slot(1)).await?;
    let early = SealedCommit::seal(draft(&slot(1), "early"), &head, 5);
    let refused = log.append(&early).await;
    assert_eq!(refused, Err(AppendError::Fenced { commit: 5, log: 1 }));
    Ok(())
}

pub async fn a_raised_epoch_stays_raised(stand: Arc<dyn Stand>) -> Outcome {
    assert_eq!(stand.raise_epoch().await?, 2);
    assert_eq!(stand.raise_epoch().await?, 3);
    assert_eq!(stand.log().identity().await?.epoch, 3);
    let log = stand.reopen().await?;
    let identity = log.identity().await?;
    assert_eq!(identity.epoch, 3);
    assert_eq!(identity.log_id, super::identity().log_id);
    Ok(())
}

pub async fn what_was_stored_before_stays_acknowledged(stand: Arc<dyn Stand>) -> Outcome {
    let before = append(&stand.log(), &slot(1), "before").await?;
    stand.raise_epoch().await?;
    let log = stand.log();
    assert!(log.append(&before).await?.duplicate);
    assert_eq!(log.load(&slot(1), 0).await?.len(), 1);
    Ok(())
}
