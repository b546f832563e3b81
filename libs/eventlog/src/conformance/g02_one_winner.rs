//! G2: at most one commit per aggregate and version, whoever writes at the same time.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use futures::future::join_all;
use ids::AggregateId;

use super::{Outcome, Stand, append, next, race, slot};
use crate::commit::Head;
use crate::corrupt::Corrupt;
use crate::log::AppendError;

/// Rounds of each race.
const ROUNDS: usize = 400;

pub async fn the_first_version_is_one(stand: Arc<dyn Stand>) -> Outcome {
    let commit = append(&stand.log(), &slot(1), "first").await?;
    assert_eq!(commit.version, 1);
    assert_eq!(stand.log().head(&slot(1)).await?, commit.head());
    Ok(())
}

pub async fn a_stale_version_conflicts_and_says_the_actual_one(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let first = append(&log, &slot(1), "first").await?;
    append(&log, &slot(1), "second").await?;
    for (head, label) in [(Head::NONE, "late"), (first.head(), "later")] {
        let refused = log.append(&next(&slot(1), &head, label)).await;
        assert_eq!(refused, Err(AppendError::Conflict { actual: 2 }));
    }
    Ok(())
}

pub async fn a_version_too_far_ahead_conflicts(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let head = Head {
        version: 7,
        hash: [7; 32],
    };
    let refused = log.append(&next(&slot(1), &head, "ahead")).await;
    assert_eq!(refused, Err(AppendError::Conflict { actual: 0 }));
    Ok(())
}

pub async fn two_writers_never_both_win(stand: Arc<dyn Stand>) -> Outcome {
    one_wins(stand, 2).await
}

pub async fn six_writers_never_both_win(stand: Arc<dyn Stand>) -> Outcome {
    one_wins(stand, 6).await
}

/// The race that some brokers lose: all writers expect the same version of one aggregate.
async fn one_wins(stand: Arc<dyn Stand>, writers: usize) -> Outcome {
    let log = stand.log();
    let mut head = Head::NONE;
    for round in 0..ROUNDS {
        let label = |writer| format!("round {round} writer {writer}");
        let commits: Vec<_> = (0..writers)
            .map(|writer| next(&slot(1), &head, &label(writer)))
            .collect();
        let results = race(&log, commits.clone()).await?;
        let mut won = Vec::new();
        for (commit, result) in commits.iter().zip(results) {
            match result {
                Ok(appended) => {
                    assert!(!appended.duplicate, "round {round}");
                    won.push(commit.head());
                }
                Err(AppendError::Conflict { actual }) => assert_eq!(actual, head.version + 1),
                Err(other) => return Err(other.into()),
            }
        }
        assert_eq!(won.len(), 1, "round {round}: winners");
        head = log.head(&slot(1)).await?;
        assert_eq!(head, won[0], "round {round}: the winner is what was stored");
    }
    assert_eq!(log.load(&slot(1), 0).await?.len(), ROUNDS);
    Ok(())
}

pub async fn writers_that_decide_again_all_land(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let writers = (0..8).map(|writer| {
        let log = log.clone();
        tokio::spawn(async move {
            loop {
                let head = log.head(&slot(1)).await?;
                match log
                    .append(&next(&slot(1), &head, &format!("writer {writer}")))
                    .await
                {
                    Ok(_) => return Ok(()),
                    Err(AppendError::Conflict { .. }) => {}
                    Err(other) => return Err(super::Trouble::from(other)),
                }
            }
        })
    });
    for joined in join_all(writers).await {
        joined??;
    }
    assert_eq!(log.load(&slot(1), 0).await?.len(), 8);
    Ok(())
}

pub async fn aggregates_do_not_conflict_with_each_other(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let commits = (1..=50)
        .map(|n| next(&slot(n), &Head::NONE, "first"))
        .collect();
    for result in race(&log, commits).await? {
        assert!(!result?.duplicate);
    }
    assert_eq!(log.tail().await?.position.0, 50);
    Ok(())
}

pub async fn the_same_id_of_another_kind_is_another_aggregate(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    let build = AggregateId::new("build", slot(1).id());
    append(&log, &slot(1), "first").await?;
    append(&log, &build, "first").await?;
    assert_eq!(log.head(&slot(1)).await?.version, 1);
    assert_eq!(log.head(&build).await?.version, 1);
    assert_eq!(log.load(&build, 0).await?.len(), 1);
    Ok(())
}

pub async fn a_commit_on_a_forged_head_is_refused(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    append(&log, &slot(1), "first").await?;
    let forged = Head {
        version: 1,
        hash: [9; 32],
    };
    let refused = log.append(&next(&slot(1), &forged, "forged")).await;
    assert!(
        matches!(
            refused,
            Err(AppendError::Corrupt(Corrupt::BrokenChain { .. }))
        ),
        "{refused:?}"
    );
    assert_eq!(log.head(&slot(1)).await?.version, 1);
    Ok(())
}
