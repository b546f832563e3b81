//! G9: what is stored is never changed or deleted. The interface has no such call; what it has
//! changes nothing.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use super::{Outcome, Stand, draft, event, fill, identity, slot};
use crate::commit::{Head, SealedCommit};
use crate::log::Position;

pub async fn a_stored_version_is_never_replaced(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 1, 3).await?;
    let before = log.load(&slot(1), 0).await?;
    for stored in &before {
        let commit = &stored.commit;
        let head = Head {
            version: commit.version - 1,
            hash: commit.prev_hash,
        };
        let mut other = draft(&slot(1), &format!("instead of {}", commit.version));
        other.events = vec![event(b"instead")];
        let other = SealedCommit::seal(other, &head, identity().epoch);
        assert!(log.append(&other).await.is_err());
    }
    assert_eq!(log.load(&slot(1), 0).await?, before);
    Ok(())
}

pub async fn refused_appends_change_no_stored_byte(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 4, 2).await?;
    let before = log.read(Position(0), 100).await?;
    for n in 1..=4 {
        let late = SealedCommit::seal(draft(&slot(n), "late"), &Head::NONE, identity().epoch);
        assert!(log.append(&late).await.is_err());
        let fenced = SealedCommit::seal(draft(&slot(n), "fenced"), &log.head(&slot(n)).await?, 99);
        assert!(log.append(&fenced).await.is_err());
    }
    assert_eq!(log.read(Position(0), 100).await?, before);
    Ok(())
}
