//! `stack.json`: what runs, for people and for scripts that break it on purpose.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

/// Everything that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Where to call.
    pub(crate) server: String,
    /// An admin's token.
    pub(crate) token_file: PathBuf,
    /// Where each role answers.
    pub(crate) roles: BTreeMap<String, String>,
    /// The data directory for commands that read the log themselves.
    pub(crate) data: PathBuf,
    /// The manifests repository.
    pub(crate) manifests: String,
    /// The process that keeps the others up.
    pub(crate) supervisor: u32,
    /// When that began, as for every process.
    pub(crate) supervisor_start_time: u64,
    /// Every process by name: `nats-1`, `postgres`, and the roles.
    pub(crate) processes: BTreeMap<String, Process>,
    /// NATS servers, in order: where clients connect and where the monitoring is.
    pub(crate) nats: Vec<Nats>,
    /// PostgreSQL, without a password.
    pub(crate) postgres: String,
    /// Files with passwords, by user.
    pub(crate) passwords: BTreeMap<String, PathBuf>,
    /// Set while the supervisor must not restart these: write the file `pause` with their names.
    pub(crate) pause_file: PathBuf,
}

impl State {
    /// Whether somebody keeps the processes up.
    pub(crate) fn is_supervised(&self) -> bool {
        is_running(self.supervisor, self.supervisor_start_time)
    }
}

/// One process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    /// Its id; 0 while it is down.
    pub(crate) pid: u32,
    /// When it began, in clock ticks since the machine started; with the id it names one process.
    pub(crate) start_time: u64,
    /// How often it was started again.
    pub(crate) restarts: u32,
    /// What it says.
    pub(crate) log: PathBuf,
}

/// One NATS server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Nats {
    /// Its name, as in `processes`.
    pub(crate) name: String,
    /// Where clients connect.
    pub(crate) url: String,
    /// Its monitoring pages.
    pub(crate) monitor: String,
    /// Its store.
    pub(crate) store: PathBuf,
}

const FILE: &str = "stack.json";

/// What was written last, if anything was.
pub(crate) fn read(dir: &Path) -> Result<Option<State>> {
    let path = dir.join(FILE);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(
            serde_json::from_slice(&bytes).with_context(|| path.display().to_string())?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Writes it whole.
pub(crate) fn write(dir: &Path, state: &State) -> Result<()> {
    let half = dir.join(".stack.json.new");
    std::fs::write(&half, serde_json::to_vec_pretty(state)?)?;
    Ok(std::fs::rename(half, dir.join(FILE))?)
}

/// Whether the process with this number is the one that began then, and has not ended.
pub(crate) fn is_running(pid: u32, began: u64) -> bool {
    start_time(pid) == Some(began)
}

/// When a process began, in clock ticks since the machine started; nothing once it has ended.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses and may hold anything.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<_> = rest.split_ascii_whitespace().collect();
    let has_ended = matches!(*fields.first()?, "Z" | "X");
    fields.get(19)?.parse().ok().filter(|_| !has_ended)
}
