//! The output of the processes: one file per run, which they write themselves.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ids::Uuid;

/// How much of the end is looked at for the last lines.
const TAIL_BYTES: u64 = 16 * 1024;
const TAIL_LINES: usize = 20;
/// The logs of as many earlier runs are kept per slot.
const KEPT: usize = 10;
/// A file that has grown beyond this loses its beginning.
const LIMIT: u64 = 64 * 1024 * 1024;

/// One start's part of a log file.
#[derive(Debug, Clone)]
pub(super) struct Log {
    path: PathBuf,
    from: u64,
}

impl Log {
    /// Opens the file of a run for another start; what earlier starts wrote stays.
    pub(super) fn open(data: &Path, slot: Uuid, run: Uuid) -> io::Result<(Self, File)> {
        let directory = data.join("logs").join(slot.to_string());
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)?;
        let path = directory.join(format!("{run}.log"));
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&path)?;
        let from = file.metadata()?.len();
        prune(&directory, &path);
        Ok((Self { path, from }, file))
    }

    /// The last lines that this start wrote.
    pub(super) fn tail(&self) -> String {
        self.read_tail().unwrap_or_default()
    }

    fn read_tail(&self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        let from = self.from.max(length.saturating_sub(TAIL_BYTES));
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        Ok(lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n"))
    }

    /// Empties the file when it has become too large. The process appends, so it goes on at
    /// the beginning.
    pub(super) fn bound(&self) {
        let too_large = fs::metadata(&self.path).is_ok_and(|file| file.len() > LIMIT);
        if !too_large {
            return;
        }
        tracing::info!(path = %self.path.display(), "log file is larger than 64 MiB: emptying it");
        if let Err(e) = OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(&self.path)
        {
            tracing::warn!(path = %self.path.display(), "cannot empty the log file: {e}");
        }
    }
}

/// Removes the oldest logs of a slot. Failing to is no reason not to start.
fn prune(directory: &Path, current: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let mut others: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let modified = entry.metadata().ok()?.modified().ok()?;
            (entry.path() != current).then(|| (modified, entry.path()))
        })
        .collect();
    others.sort();
    let excess = others.len().saturating_sub(KEPT);
    for (_, path) in others.into_iter().take(excess) {
        if let Err(e) = fs::remove_file(&path) {
            tracing::debug!(path = %path.display(), "cannot remove an old log: {e}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn the_tail_is_of_the_last_start_only() {
        let dir = tempfile::tempdir().unwrap();
        let (slot, run) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (_, mut file) = Log::open(dir.path(), slot, run).unwrap();
        file.write_all(b"of the first start\n").unwrap();
        let (log, mut file) = Log::open(dir.path(), slot, run).unwrap();
        assert_eq!(log.tail(), "");
        for line in 0..5000 {
            writeln!(file, "line {line} \u{fffd}").unwrap();
        }
        let tail = log.tail();
        assert_eq!(tail.lines().count(), 20);
        assert!(tail.ends_with("line 4999 \u{fffd}"), "{tail}");
    }

    #[test]
    fn old_logs_go() {
        let dir = tempfile::tempdir().unwrap();
        for run in 0..30 {
            Log::open(dir.path(), Uuid::from_u128(1), Uuid::from_u128(run)).unwrap();
        }
        let left = fs::read_dir(dir.path().join("logs").join(Uuid::from_u128(1).to_string()));
        assert_eq!(left.unwrap().count(), KEPT + 1);
    }
}
