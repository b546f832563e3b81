//! G7: whoever appended sees it.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use super::{Outcome, Stand, append, slot};
use crate::commit::Head;
use crate::log::{Position, Tail};

pub async fn load_sees_what_was_just_appended(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    for n in 1..=20 {
        let commit = append(&log, &slot(1), &format!("commit {n}")).await?;
        let loaded = log.load(&slot(1), n - 1).await?;
        assert_eq!(loaded.len(), 1);
        assert_eq!(loaded[0].commit, commit);
    }
    Ok(())
}

pub async fn head_and_tail_see_what_was_just_appended(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    for n in 1..=20 {
        let commit = append(&log, &slot(n), "first").await?;
        assert_eq!(log.head(&slot(n)).await?, commit.head());
        let tail = log.tail().await?;
        assert_eq!(tail.hash, commit.hash());
        assert_eq!(u128::from(tail.position.0), n);
    }
    Ok(())
}

pub async fn the_head_of_nothing_is_none(stand: Arc<dyn Stand>) -> Outcome {
    assert_eq!(stand.log().head(&slot(1)).await?, Head::NONE);
    Ok(())
}

pub async fn the_tail_of_nothing_is_zero(stand: Arc<dyn Stand>) -> Outcome {
    let tail = stand.log().tail().await?;
    assert_eq!(tail, Tail::default());
    assert_eq!(tail.position, Position(0));
    Ok(())
}
