//! G3: versions are dense from 1, and chained.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use super::{Outcome, Stand, append, fill, slot};
use crate::log::ReadError;

pub async fn versions_are_dense_and_chained(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 3, 10).await?;
    for n in 1..=3 {
        let mut before = [0; 32];
        for (expected, stored) in (1..).zip(log.load(&slot(n), 0).await?) {
            assert_eq!(stored.commit.version, expected);
            assert_eq!(stored.commit.prev_hash, before);
            before = stored.commit.hash();
        }
        assert_eq!(log.head(&slot(n)).await?.hash, before);
    }
    Ok(())
}

pub async fn loading_after_a_version_gives_the_rest(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 2, 6).await?;
    let all = log.load(&slot(2), 0).await?;
    for after in 0..=6 {
        let rest = log.load(&slot(2), after).await?;
        assert_eq!(rest, all[usize::try_from(after)?..]);
    }
    Ok(())
}

pub async fn loading_after_the_last_version_gives_nothing(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    append(&log, &slot(1), "first").await?;
    assert!(log.load(&slot(1), 1).await?.is_empty());
    Ok(())
}

pub async fn loading_after_a_version_never_reached_is_named(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    append(&log, &slot(1), "first").await?;
    for asked in [2, 1000, u64::MAX] {
        let refused = log.load(&slot(1), asked).await;
        assert_eq!(refused, Err(ReadError::Beyond { asked, tail: 1 }));
    }
    Ok(())
}

pub async fn an_aggregate_without_commits_loads_empty(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    append(&log, &slot(1), "first").await?;
    assert!(log.load(&slot(2), 0).await?.is_empty());
    Ok(())
}

pub async fn a_long_aggregate_loads_whole(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 1, 300).await?;
    assert_eq!(log.load(&slot(1), 0).await?.len(), 300);
    assert_eq!(log.load(&slot(1), 299).await?.len(), 1);
    Ok(())
}
