//! Applying stored commits to a database that nobody uses yet.

use std::sync::Arc;

use super::store::Store;
use super::{Projection, ProjectorError};
use crate::commit::Stored;
use crate::log::{EventLog, Position, ReadError};

/// Commits per page.
pub(super) const PAGE: usize = 4096;

/// Told how many of how many positions are done.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// Brings a store that is not in use up to a position.
pub(super) async fn fill(
    store: &mut Store,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
    until: Position,
    progress: Progress<'_>,
) -> Result<(), ProjectorError> {
    let mut page = read(log, store.folded.position, until).await?;
    while let Some(last) = page.last().map(|it| it.position) {
        // The next page is read while this one is applied.
        let (filled, next) = tokio::join!(store.fill(projections, &page), read(log, last, until));
        filled?;
        progress(last.0, until.0);
        page = next?;
    }
    store.settle().await
}

/// The same without telling.
pub(super) async fn follow(
    store: &mut Store,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
    until: Position,
) -> Result<(), ProjectorError> {
    fill(store, log, projections, until, &mut |_, _| {}).await
}

async fn read(
    log: &Arc<dyn EventLog>,
    after: Position,
    until: Position,
) -> Result<Vec<Stored>, ReadError> {
    if after >= until {
        return Ok(Vec::new());
    }
    let mut page = log.read(after, PAGE).await?;
    page.retain(|it| it.position <= until);
    Ok(page)
}
