//! G5: acknowledged means stored, as durable as the log says.

#![expect(missing_docs, reason = "the names of the cases say what they are")]

use std::sync::Arc;

use super::{Outcome, Stand, append, fill, slot};
use crate::log::{Durability, Position};

pub async fn it_says_what_an_acknowledged_append_survives(stand: Arc<dyn Stand>) -> Outcome {
    let said = stand.log().durability();
    let again = stand.reopen().await?.durability();
    assert_eq!(said, again);
    let text = said.to_string();
    assert!(text.contains("survives"), "{text}");
    assert_eq!(
        text.contains("power cut (synced"),
        said == Durability::Fsync
    );
    Ok(())
}

pub async fn what_was_acknowledged_is_there_after_reopening(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 5, 4).await?;
    let before = log.read(Position(0), 100).await?;
    let log = stand.reopen().await?;
    assert_eq!(log.read(Position(0), 100).await?, before);
    assert_eq!(log.load(&slot(3), 0).await?.len(), 4);
    Ok(())
}

pub async fn the_tail_is_the_same_after_reopening(stand: Arc<dyn Stand>) -> Outcome {
    let log = stand.log();
    fill(&log, 2, 2).await?;
    let (tail, identity) = (log.tail().await?, log.identity().await?);
    let log = stand.reopen().await?;
    assert_eq!(log.tail().await?, tail);
    assert_eq!(log.identity().await?, identity);
    Ok(())
}

pub async fn appending_goes_on_after_reopening(stand: Arc<dyn Stand>) -> Outcome {
    append(&stand.log(), &slot(1), "before").await?;
    let log = stand.reopen().await?;
    let after = append(&log, &slot(1), "after").await?;
    assert_eq!(after.version, 2);
    assert_eq!(log.load(&slot(1), 0).await?.len(), 2);
    Ok(())
}
