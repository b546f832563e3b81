//! G13: a log that is not what was read before is named.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use ids::Uuid;

use super::{Outcome, Stand, Trouble, fill};
use crate::checkpoint::{CheckError, Checkpoint, Lie, check};
use crate::log::{Position, ReadError};

/// A true checkpoint at the end of a log of six commits.
async fn at_the_end(stand: &Arc<dyn Stand>) -> Result<Checkpoint, Trouble> {
    let log = stand.log();
    fill(&log, 3, 2).await?;
    let (identity, tail) = (log.identity().await?, log.tail().await?);
    Ok(Checkpoint {
        position: tail.position,
        hash: tail.hash,
        ..Checkpoint::start(&identity)
    })
}

async fn lie(stand: &Arc<dyn Stand>, checkpoint: &Checkpoint) -> Result<Lie, Trouble> {
    match check(stand.log().as_ref(), checkpoint).await {
        Err(CheckError::Lie(lie)) => Ok(lie),
        other => Err(format!("not a lie: {other:?}").into()),
    }
}

pub async fn a_true_checkpoint_is_confirmed(stand: Arc<dyn Stand>) -> Outcome {
    let checkpoint = at_the_end(&stand).await?;
    let log = stand.log();
    check(log.as_ref(), &checkpoint).await?;
    check(log.as_ref(), &Checkpoint::start(&log.identity().await?)).await?;
    for stored in log.read(Position(0), 10).await? {
        let earlier = Checkpoint {
            position: stored.position,
            hash: stored.commit.hash(),
            ..checkpoint
        };
        check(log.as_ref(), &earlier).await?;
    }
    Ok(())
}

pub async fn a_checkpoint_beyond_the_tail_is_log_rewound(stand: Arc<dyn Stand>) -> Outcome {
    let mut checkpoint = at_the_end(&stand).await?;
    checkpoint.position = Position(7);
    let lie = lie(&stand, &checkpoint).await?;
    let (read, tail) = (Position(7), Position(6));
    assert_eq!(lie, Lie::LogRewound { read, tail });
    assert!(lie.to_string().starts_with("LogRewound"));
    Ok(())
}

pub async fn a_checkpoint_of_another_log_is_wrong_log(stand: Arc<dyn Stand>) -> Outcome {
    let mut checkpoint = at_the_end(&stand).await?;
    checkpoint.log_id = Uuid::from_u128(404);
    let lie = lie(&stand, &checkpoint).await?;
    assert!(matches!(lie, Lie::WrongLog { .. }), "{lie}");
    assert!(lie.to_string().starts_with("WrongLog"));
    Ok(())
}

pub async fn a_checkpoint_with_another_hash_is_log_forked(stand: Arc<dyn Stand>) -> Outcome {
    let mut checkpoint = at_the_end(&stand).await?;
    checkpoint.hash[31] ^= 1;
    let lie = lie(&stand, &checkpoint).await?;
    assert_eq!(lie, Lie::LogForked { at: Position(6) });
    assert!(lie.to_string().starts_with("LogForked"));
    Ok(())
}

pub async fn a_checkpoint_of_a_later_epoch_is_epoch_regressed(stand: Arc<dyn Stand>) -> Outcome {
    let mut checkpoint = at_the_end(&stand).await?;
    checkpoint.epoch = 2;
    let found = lie(&stand, &checkpoint).await?;
    assert_eq!(found, Lie::EpochRegressed { read: 2, found: 1 });
    assert!(found.to_string().starts_with("EpochRegressed"));
    stand.raise_epoch().await?;
    check(stand.log().as_ref(), &checkpoint).await?;
    Ok(())
}

pub async fn reading_beyond_the_tail_is_named(stand: Arc<dyn Stand>) -> Outcome {
    at_the_end(&stand).await?;
    for asked in [7, 1000, u64::MAX] {
        let refused = stand.log().read(Position(asked), 10).await;
        assert_eq!(refused, Err(ReadError::Beyond { asked, tail: 6 }));
    }
    Ok(())
}
