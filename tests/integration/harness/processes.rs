//! Application processes, found in `/proc` by the marks that the runner puts on them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinHandle;

/// A killed process is gone within this time, or cannot be killed.
const ENDED: Duration = Duration::from_secs(5);

/// One running application.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    /// Ticks since the machine started; with the pid it is unique.
    pub(crate) started: u64,
    /// What `TOWPATH_SLOT` says.
    pub(crate) slot: String,
    /// What `TOWPATH_RUN` says.
    pub(crate) run: String,
}

/// Every application whose program lies under `root`.
pub(crate) fn processes_of(root: &Path) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").unwrap();
    entries
        .filter_map(|entry| look(&entry.ok()?.path(), root))
        .collect()
}

/// Nothing when it is no application of ours, or is gone already.
fn look(proc: &Path, root: &Path) -> Option<Process> {
    let pid = proc.file_name()?.to_str()?.parse().ok()?;
    let program: PathBuf = std::fs::read_link(proc.join("exe")).ok()?;
    if !program.starts_with(root) {
        return None;
    }
    let environment = std::fs::read(proc.join("environ")).ok()?;
    let variable = |name: &str| {
        environment.split(|byte| *byte == 0).find_map(|it| {
            let value = it.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?;
            Some(String::from_utf8_lossy(value).into_owned())
        })
    };
    variable("TOWPATH_INSTANCE")?;
    let stat = std::fs::read_to_string(proc.join("stat")).ok()?;
    // The name is in parentheses and may hold anything; fields are counted behind it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    // A zombie has ended; only its parent has not looked yet.
    let state = fields.next()?;
    let started = fields.nth(18)?.parse().ok()?;
    (state != "Z").then_some(Process {
        pid,
        started,
        slot: variable("TOWPATH_SLOT").unwrap_or_default(),
        run: variable("TOWPATH_RUN").unwrap_or_default(),
    })
}

/// Ends every application whose program lies under `root`, and waits until it is gone.
pub(crate) fn end_processes_of(root: &Path) {
    // One that is being started while we look is found the second time.
    for _ in 0..3 {
        let found = processes_of(root);
        for process in &found {
            if let Some(pid) = Pid::from_raw(process.pid) {
                // It may have ended between the look and this.
                kill_process(pid, Signal::KILL).ok();
            }
        }
        let began = tokio::time::Instant::now();
        while found.iter().any(|it| has_files(it.pid)) && began.elapsed() < ENDED {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Whether a process may still have files open: a zombie has closed them.
fn has_files(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.split_whitespace().next());
    !matches!(state, None | Some("Z" | "X"))
}

/// Everything that was seen running while this exists.
#[derive(Debug)]
pub(crate) struct Sightings {
    seen: Arc<Mutex<BTreeSet<Process>>>,
    watch: JoinHandle<()>,
}

impl Sightings {
    /// Begins to look, every few milliseconds.
    pub(crate) fn of(root: &Path) -> Self {
        let seen = Arc::<Mutex<BTreeSet<Process>>>::default();
        let (root, into) = (root.to_owned(), Arc::clone(&seen));
        let watch = tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_millis(10));
            loop {
                tick.tick().await;
                let now = processes_of(&root);
                into.lock().unwrap().extend(now);
            }
        });
        Self { seen, watch }
    }

    /// Every process seen so far.
    pub(crate) fn all(&self) -> BTreeSet<Process> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Sightings {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
