//! G12: an unknown outcome can be looked up.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use ids::{CommitId, Uuid};

use super::{Outcome, Stand, append, fill, next, slot};
use crate::commit::Head;
use crate::log::EventLog;

pub async fn a_stored_commit_is_found_by_its_id(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 3, 3).await?;
    for n in 1..=3 {
        for stored in log.load(&slot(n), 0).await? {
            let commit_id = stored.commit.commit_id;
            for asked in [n, n % 3 + 1, 77] {
                let found = log.resolve(&slot(asked), commit_id).await?;
                assert_eq!(found.as_ref(), Some(&stored), "asked for with slot:{asked}");
            }
        }
    }
    Ok(())
}

pub async fn an_unknown_commit_id_is_found_nowhere(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    append(&log, &slot(1), "first").await?;
    assert_eq!(
        log.resolve(&slot(1), CommitId(Uuid::from_u128(404)))
            .await?,
        None
    );
    assert_eq!(log.resolve(&slot(2), CommitId(Uuid::nil())).await?, None);
    Ok(())
}

pub async fn an_append_nobody_waited_for_can_be_looked_up(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    for n in 1..=20 {
        let commit = next(&slot(n), &Head::NONE, "dropped");
        // Dropped at its first wait: stored or not stored, but one of them.
        let append = tokio::time::timeout(std::time::Duration::ZERO, log.append(&commit)).await;
        let appended = match append {
            Ok(answered) => answered?,
            Err(_) => log.append(&commit).await?,
        };
        let found = log.resolve(&slot(n), commit.commit_id).await?;
        assert_eq!(found.map(|it| it.position), Some(appended.position));
        assert_eq!(log.load(&slot(n), 0).await?.len(), 1);
    }
    assert_eq!(log.tail().await?.position.0, 20);
    Ok(())
}

pub async fn appending_again_after_looking_in_vain_stores_once(stand: Arc<dyn Stand>) -> Outcome {
    let log: Arc<dyn EventLog> = stand.log();
    let commit = next(&slot(1), &Head::NONE, "once");
    assert_eq!(log.resolve(&slot(1), commit.commit_id).await?, None);
    assert!(!log.append(&commit).await?.duplicate);
    let found = log.resolve(&slot(1), commit.commit_id).await?;
    assert_eq!(found.map(|it| it.commit), Some(commit));
    Ok(())
}
