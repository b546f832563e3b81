//! Finding what an earlier process of ours left running. Every process we start carries
//! marks in its environment, which its own children inherit.

use std::collections::BTreeMap;

use ids::{Digest, Uuid};

use super::child::Child;
use super::proc;

const INSTANCE: &str = "TOWPATH_INSTANCE";
const SLOT: &str = "TOWPATH_SLOT";
const RUN: &str = "TOWPATH_RUN";
const DIGEST: &str = "TOWPATH_DIGEST";
const PORT: &str = "TOWPATH_PORT";
const OWNER: &str = "TOWPATH_OWNER";

/// The marks of one start of one process. No two starts share slot, run and port at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) instance: Uuid,
    pub(super) slot: Uuid,
    pub(super) run: Uuid,
    pub(super) digest: Digest,
    /// Where it was told to listen.
    pub(super) port: u16,
    /// Which process of ours started it.
    pub(super) owner: String,
}

impl Marks {
    /// What is added to the environment of a process to be started.
    pub(super) fn env(&self) -> Vec<(String, String)> {
        [
            (INSTANCE, self.instance.to_string()),
            (SLOT, self.slot.to_string()),
            (RUN, self.run.to_string()),
            (DIGEST, self.digest.to_string()),
            (PORT, self.port.to_string()),
            (OWNER, self.owner.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    fn read(env: Vec<(String, String)>) -> Option<Self> {
        let env: BTreeMap<String, String> = env.into_iter().collect();
        let of = |name: &str| env.get(name);
        Some(Self {
            instance: Uuid::parse_str(of(INSTANCE)?).ok()?,
            slot: Uuid::parse_str(of(SLOT)?).ok()?,
            run: Uuid::parse_str(of(RUN)?).ok()?,
            digest: Digest::parse(of(DIGEST)?).ok()?,
            port: of(PORT)?.parse().ok()?,
            owner: of(OWNER)?.clone(),
        })
    }

    /// Whether both are of the same start, whoever of its processes they were read from.
    pub(super) fn same_start(&self, other: &Self) -> bool {
        (self.slot, self.run, self.port, &self.owner)
            == (other.slot, other.run, other.port, &other.owner)
    }
}

/// A process that carries our marks.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) pid: i32,
    pub(super) start_time: u64,
    /// It leads its group: the process we started, unless one of its own did the same.
    pub(super) leader: bool,
    pub(super) marks: Marks,
}

impl Found {
    /// The process itself, if it is still the one that was found.
    pub(super) fn open(&self) -> Option<Child> {
        open(self.pid.unsigned_abs(), self.start_time)
    }
}

/// The process with this number, if it started at this time and has not ended.
pub(super) fn open(pid: u32, start_time: u64) -> Option<Child> {
    let child = Child::open(pid).ok()?;
    let stat = proc::stat(pid.cast_signed()).ok()?;
    // The handle was taken first: had the number changed hands since, the times would differ.
    (child.start_time() == start_time && stat.start_time == start_time && !stat.zombie)
        .then_some(child)
}

/// Who we are, for the marks of what we start.
pub(super) fn owner() -> String {
    let pid = std::process::id();
    let start_time = proc::stat(pid.cast_signed()).map_or(0, |stat| stat.start_time);
    format!("{pid}:{start_time}")
}

/// All processes of this installation, ourselves left out.
pub(super) fn scan(instance: Uuid) -> std::io::Result<Vec<Found>> {
    let ourselves = std::process::id().cast_signed();
    Ok(proc::pids()?
        .into_iter()
        .filter(|pid| *pid != ourselves)
        .filter_map(|pid| {
            let before = proc::stat(pid).ok()?;
            let marks = Marks::read(proc::environ(pid)?)?;
            (marks.instance == instance && !before.zombie).then_some(Found {
                pid,
                start_time: before.start_time,
                leader: before.group == pid,
                marks,
            })
        })
        .collect())
}
