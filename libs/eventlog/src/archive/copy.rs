//! Following the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::verify::Divergence;
use super::{Archive, ArchiveError, table, verify};
use crate::checkpoint::{Checkpoint, Lie, check};
use crate::commit::{Head, Stored};
use crate::corrupt::{Corrupt, Place};
use crate::log::{EventLog, Position, ReadError};
use crate::projector::{ANSWERS, silent};

/// Commits per transaction.
const BATCH: usize = 512;

/// `unique_violation`: another replica wrote the same rows.
const TAKEN: &str = "23505";

/// Copies until something fails.
pub(super) async fn copy(archive: &Archive, log: &Arc<dyn EventLog>) -> Result<(), ArchiveError> {
    let last = begin(archive, log).await?;
    let mut subscription = log.subscribe(last.position).await?;
    loop {
        let batch = subscription.batch(BATCH).await?;
        match tokio::time::timeout(ANSWERS, add(archive, &batch)).await {
            Ok(added) => added?,
            Err(_) => return Err(silent().into()),
        }
        if let Some(last) = batch.last() {
            archive.reached(last.position);
        }
    }
}

/// Copies what the log holds now and the archive does not; gives how many commits those are.
pub(super) async fn complete(
    archive: &Archive,
    log: &Arc<dyn EventLog>,
) -> Result<u64, ArchiveError> {
    let last = begin(archive, log).await?.position.0;
    let tail = log.tail().await?.position.0;
    let mut subscription = log.subscribe(Position(last)).await?;
    while archive.position.borrow().0 < tail {
        let batch = subscription.batch(BATCH).await?;
        add(archive, &batch).await?;
        if let Some(last) = batch.last() {
            archive.reached(last.position);
        }
    }
    Ok(tail.saturating_sub(last))
}

/// Makes sure that this is the log that was copied before.
async fn begin(archive: &Archive, log: &Arc<dyn EventLog>) -> Result<Checkpoint, ArchiveError> {
    let identity = log.identity().await?;
    let known = table::identity(&archive.pool).await?;
    let last = table::last(&archive.pool).await?;
    if let Some(last) = &last {
        check(log.as_ref(), last).await?;
    }
    // A log that was restored has to hold everything that was copied before.
    if known.is_some_and(|it| it.epoch < identity.epoch) {
        let compared = verify::compare(archive, log.as_ref()).await?;
        if let Some(divergence) = compared.divergence {
            return Err(forked(&divergence).into());
        }
    }
    table::identify(&archive.pool, &identity).await?;
    archive.reached(last.map_or_else(|| Checkpoint::start(&identity).position, |it| it.position));
    Ok(last.unwrap_or_else(|| Checkpoint::start(&identity)))
}

fn forked(divergence: &Divergence) -> Lie {
    let at = divergence.position();
    Lie::LogForked { at }
}

async fn add(archive: &Archive, batch: &[Stored]) -> Result<(), ArchiveError> {
    let mut transaction = archive.pool.begin().await?;
    let mut aggregates: Vec<_> = batch
        .iter()
        .map(|it| it.commit.aggregate.to_string())
        .collect();
    aggregates.sort_unstable();
    aggregates.dedup();
    let heads = table::heads(&mut transaction, &aggregates).await?;
    // Two replicas copy the same: whoever comes second has nothing to add.
    let (last, first) = (table::end(&mut transaction).await?, batch.first());
    if first.is_some_and(|it| it.position <= last) {
        return Err(ArchiveError::Overtaken);
    }
    chained(heads, batch).map_err(ReadError::Corrupt)?;
    match table::add(&mut transaction, batch).await {
        Err(error) if code(&error).as_deref() == Some(TAKEN) => Err(ArchiveError::Overtaken),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(transaction.commit().await?),
    }
}

/// Every commit follows the one of its aggregate before it.
fn chained(mut heads: BTreeMap<String, Head>, batch: &[Stored]) -> Result<(), Corrupt> {
    for stored in batch {
        let commit = &stored.commit;
        let at = || Place::new(&commit.aggregate, commit.version, Some(stored.position)).into();
        let head = heads
            .entry(commit.aggregate.to_string())
            .or_insert(Head::NONE);
        if commit.version != head.version + 1 {
            let expected = head.version + 1;
            return Err(Corrupt::VersionGap { at: at(), expected });
        }
        if commit.prev_hash != head.hash {
            return Err(Corrupt::BrokenChain { at: at() });
        }
        *head = commit.head();
    }
    Ok(())
}

fn code(error: &sqlx::Error) -> Option<String> {
    let code = error.as_database_error()?.code()?;
    Some(code.into_owned())
}
