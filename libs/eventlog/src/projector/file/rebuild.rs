//! Making a read database from the beginning of the log, beside the one in use.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::store::Store;
use super::super::{Progress, Projection, ProjectorError, fill};
use super::{create, unwritable};
use crate::checkpoint::Checkpoint;
use crate::log::{EventLog, Position};

/// Makes the file anew up to the present end of the log, then puts it in place of the old one
/// in one step. The old file stays in use until then, and when anything fails.
pub(in super::super) async fn rebuild(
    path: &Path,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
    progress: Progress<'_>,
) -> Result<Checkpoint, ProjectorError> {
    let temporary = beside(path, ".rebuilding");
    remove(&temporary)?;
    let until = log.tail().await?.position;
    let store = make(&temporary, log, projections, until, progress).await?;
    let checkpoint = store.checkpoint;
    store.close().await?;
    publish(&temporary, path).map_err(|e| unwritable(path, &e))?;
    Ok(checkpoint)
}

/// Makes a read database of exactly the commits up to a position.
pub(in super::super) async fn make(
    path: &Path,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
    until: Position,
    progress: Progress<'_>,
) -> Result<Store, ProjectorError> {
    let start = Checkpoint::start(&log.identity().await?);
    let mut store = create(path, projections, start).await?;
    fill(&mut store, log, projections, until, progress).await?;
    store.index(projections).await?;
    Ok(store)
}

/// Removes a database and what SQLite keeps beside it.
fn remove(path: &Path) -> Result<(), ProjectorError> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(unwritable(path, &e)),
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
