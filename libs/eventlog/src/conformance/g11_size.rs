//! G11: what is too large is refused, and the log works on.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use super::{Outcome, Stand, append, draft, event, identity, slot};
use crate::commit::{Head, SealedCommit};
use crate::log::{AppendError, MAX_COMMIT_BYTES};

fn of_size(bytes: usize, label: &str) -> SealedCommit {
    let mut large = draft(&slot(1), label);
    large.events = vec![event(&vec![0xaa; bytes])];
    SealedCommit::seal(large, &Head::NONE, identity().epoch)
}

pub async fn too_large_a_commit_is_refused_and_reads_go_on(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let refused = log.append(&of_size(MAX_COMMIT_BYTES, "large")).await;
    assert!(
        matches!(refused, Err(AppendError::TooLarge { .. })),
        "{refused:?}"
    );
    assert!(log.load(&slot(1), 0).await?.is_empty());
    append(&log, &slot(1), "small").await?;
    assert_eq!(log.load(&slot(1), 0).await?.len(), 1);
    Ok(())
}

pub async fn the_largest_commit_fits(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let around = of_size(MAX_COMMIT_BYTES, "largest").bytes().len() - MAX_COMMIT_BYTES;
    let largest = of_size(MAX_COMMIT_BYTES - around, "largest");
    assert_eq!(largest.bytes().len(), MAX_COMMIT_BYTES);
    log.append(&largest).await?;
    assert_eq!(log.load(&slot(1), 0).await?[0].commit, largest);
    Ok(())
}
