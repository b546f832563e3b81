//! Files that have to be read from the disk again.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{Advice, fadvise};

/// Writes back everything below a directory and drops it from the page cache: nobody else has it
/// mapped, so nothing of it stays.
pub(super) fn evict(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            evict(&path)?;
        } else {
            let file = File::open(&path)?;
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)
                .with_context(|| format!("{} stays in the page cache", path.display()))?;
        }
    }
    Ok(())
}
