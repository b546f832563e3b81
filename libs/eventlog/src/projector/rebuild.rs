//! Making a read database from the beginning of the log, beside the one in use.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::store::Store;
use super::{Projection, ProjectorError};
use crate::checkpoint::Checkpoint;
use crate::log::{EventLog, Position};

/// Commits per transaction.
const BATCH: usize = 4096;

/// Makes the read database at `path` anew up to the present end of the log, then puts it in
/// place of the old one in one step. `progress` is told how many of how many positions are
/// done. The old file stays in use until then, and when anything fails.
pub async fn rebuild(
    path: &Path,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Checkpoint, ProjectorError> {
    let temporary = beside(path, ".rebuilding");
    remove(&temporary)?;
    let until = log.tail().await?.position;
    let store = fill(&temporary, log, projections, until, &mut progress).await?;
    let checkpoint = store.checkpoint;
    store.close().await?;
    publish(&temporary, path).map_err(|e| failed(path, &e))?;
    Ok(checkpoint)
}

/// Makes a read database of exactly the commits up to a position.
pub(super) async fn fill(
    path: &Path,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
    until: Position,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Store, ProjectorError> {
    let start = Checkpoint::start(&log.identity().await?);
    let mut store = Store::create(path, projections, start).await?;
    while store.checkpoint.position < until {
        let mut page = log.read(store.checkpoint.position, BATCH).await?;
        page.retain(|it| it.position <= until);
        if page.is_empty() {
            break;
        }
        store.apply(projections, &page).await?;
        progress(store.checkpoint.position.0, until.0);
    }
    Ok(store)
}

/// Removes a database and what SQLite keeps beside it.
pub(super) fn remove(path: &Path) -> Result<(), ProjectorError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(path, &e)),
            _ => {}
        }
    }
    Ok(())
}

fn publish(temporary: &Path, path: &Path) -> io::Result<()> {
    File::open(temporary)?.sync_all()?;
    // A write-ahead log of the old file must never be taken for one of the new.
    for suffix in ["-wal", "-shm"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    fs::rename(temporary, path)?;
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn failed(path: &Path, error: &io::Error) -> ProjectorError {
    ProjectorError::Database {
        path: path.display().to_string(),
        why: format!("{error}; make its directory writable and free space there"),
    }
}
