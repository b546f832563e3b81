//! One process per data directory: `flock` on `<data>/lock`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Held for as long as this value lives; the system releases it when the process ends, however
/// it ends.
#[derive(Debug)]
pub struct DataLock {
    _file: File,
}

/// Why a data directory was not locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "{} is in use by {}: stop that process, or choose another data directory",
        .data.display(), holder(.pid.as_ref())
    )]
    Held {
        /// The data directory.
        data: PathBuf,
        /// The holder, when it could be read.
        pid: Option<u32>,
    },
    /// The lock file could not be opened or locked.
    #[error("{} cannot be locked: {why}; make the directory writable", .path.display())]
    Failed {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

fn holder(pid: Option<&u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |it| format!("process {it}"),
    )
}

/// How often a lock whose owner is dead is tried again: a child that the owner had forked and
/// that has not yet become another program holds it for some milliseconds more.
const TRIES: u32 = 100;

/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// Locks a data directory, or says at once who has it.
pub fn lock(data: &Path) -> Result<DataLock, LockError> {
    for _ in 1..TRIES {
        match try_lock(data) {
            Err(LockError::Held { pid: Some(pid), .. }) if is_dead(pid) => {
                std::thread::sleep(PAUSE);
            }
            settled => return settled,
        }
    }
    try_lock(data)
}

/// Whether no process has this number. Where processes cannot be listed, nobody is dead.
fn is_dead(pid: u32) -> bool {
    let processes = Path::new("/proc");
    processes.join("self").exists() && !processes.join(pid.to_string()).exists()
}

fn try_lock(data: &Path) -> Result<DataLock, LockError> {
    let path = data.join("lock");
    let failed = |why| LockError::Failed {
        path: path.clone(),
        why,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // An unreadable pid only makes the message poorer.
            let read = file.read_to_string(&mut text);
            let data = data.to_owned();
            let pid = read.ok().and_then(|_| text.trim().parse().ok());
            return Err(LockError::Held { data, pid });
        }
        Err(TryLockError::Error(why)) => return Err(failed(why)),
    }
    // The pid is for people. On a full disk the lock holds without it.
    if let Err(error) = write_pid(&mut file) {
        tracing::debug!(%error, "writing the pid into the lock file");
    }
    Ok(DataLock { _file: file })
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_refused_at_once_and_told_the_pid() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        let refused = lock(dir.path()).unwrap_err().to_string();
        assert!(
            refused.contains(&std::process::id().to_string()),
            "{refused}"
        );
        drop(held);
        drop(lock(dir.path()).unwrap());
    }

    #[test]
    fn a_lock_that_outlives_its_owner_by_moments_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        // No process can have this number: it is above the kernel's limit of 2^22.
        std::fs::write(dir.path().join("lock"), "4194305\n").unwrap();
        let waiting = std::thread::spawn({
            let data = dir.path().to_owned();
            move || lock(&data).map(drop)
        });
        std::thread::sleep(PAUSE * 3);
        assert!(!waiting.is_finished());
        drop(held);
        waiting.join().unwrap().unwrap();
    }

    #[test]
    fn a_stale_lock_file_of_a_dead_process_holds_nobody_up() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("lock"), "999999999999 not a pid\n").unwrap();
        drop(lock(dir.path()).unwrap());
    }

    #[test]
    fn a_directory_that_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("nowhere");
        let text = lock(&missing).unwrap_err().to_string();
        assert!(text.contains("nowhere"), "{text}");
    }
}
