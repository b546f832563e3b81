//! What a stack started and may have left behind: found by what was written down, and ended.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::ROLES;
use super::state::{self, State};
use crate::shell;

/// How often processes are looked at that were asked to end.
const LOOK: Duration = Duration::from_millis(50);
/// How long they may take; whoever has not ended then is killed.
const LOOKS_TO_END: u32 = 200;
/// How long the system may take to end what was killed.
const LOOKS_TO_DIE: u32 = 40;

/// A process that was written down. Its number alone could be another one's by now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Left {
    name: String,
    pid: u32,
    start_time: u64,
    /// It leads a group of its own, which ends with it.
    leads: bool,
}

impl Left {
    fn is_there(&self) -> bool {
        state::is_running(self.pid, self.start_time)
    }

    /// As `kill` takes it.
    fn target(&self) -> String {
        let sign = if self.leads { "-" } else { "" };
        format!("{sign}{}", self.pid)
    }
}

/// What the runner remembers of a slot, as far as it matters here.
#[derive(Deserialize)]
struct Slot {
    slot_name: String,
    process: Process,
}

#[derive(Deserialize)]
struct Process {
    pid: u32,
    start_time: u64,
    /// Which start of the machine that was.
    boot: String,
}

/// Ends the applications that the runner of this data directory started and left running, which
/// it does so that they outlive a restart of it; a stack that is ended is not restarted.
pub(super) fn end_applications(runner: &Path) -> Result<()> {
    end(&applications(runner)?, "-TERM")
}

/// Ends the parts that a supervisor could not end because it was killed, in the opposite order.
pub(super) fn end_parts(state: &State) -> Result<()> {
    let named = |wanted: &dyn Fn(&str) -> bool| -> Vec<Left> {
        let processes = state.processes.iter();
        processes
            .filter(|(name, _)| wanted(name))
            .map(|(name, it)| Left {
                name: name.clone(),
                pid: it.pid,
                start_time: it.start_time,
                leads: false,
            })
            .collect()
    };
    let is_role = |name: &str| ROLES.contains(&name);
    end(&named(&is_role), "-TERM")?;
    // SIGINT ends PostgreSQL without waiting for its clients.
    end(&named(&|name| name == "postgres"), "-INT")?;
    end(
        &named(&|name| !is_role(name) && name != "postgres"),
        "-TERM",
    )
}

fn applications(runner: &Path) -> Result<Vec<Left>> {
    let slots = runner.join("slots");
    let entries = match std::fs::read_dir(&slots) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries.with_context(|| slots.display().to_string())?,
    };
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|it| it != "json") {
            continue;
        }
        let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
        let slot: Slot =
            serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
        if slot.process.boot == boot.trim() {
            found.push(Left {
                name: slot.slot_name,
                pid: slot.process.pid,
                start_time: slot.process.start_time,
                leads: true,
            });
        }
    }
    Ok(found)
}

fn end(all: &[Left], signal: &str) -> Result<()> {
    send(signal, all);
    // A stopped process ends only once it goes on.
    send("-CONT", all);
    if wait(all, LOOKS_TO_END) {
        return Ok(());
    }
    send("-KILL", all);
    if wait(all, LOOKS_TO_DIE) {
        return Ok(());
    }
    let still = all.iter().filter(|it| it.is_there());
    let still: Vec<_> = still
        .map(|it| format!("{} ({})", it.name, it.pid))
        .collect();
    bail!(
        "these processes of the stack did not end: {}; end them by hand",
        still.join(", ")
    )
}

/// To those that are still there; one that ends meanwhile is what is wanted.
fn send(signal: &str, all: &[Left]) {
    let there = all.iter().filter(|it| it.is_there());
    let targets: Vec<_> = there.map(Left::target).collect();
    if targets.is_empty() {
        return;
    }
    let arguments = [vec![signal.to_owned(), "--".to_owned()], targets].concat();
    drop(shell::capture(Path::new("/"), "kill", &arguments));
}

fn wait(all: &[Left], looks: u32) -> bool {
    for _ in 0..looks {
        if !all.iter().any(Left::is_there) {
            return true;
        }
        std::thread::sleep(LOOK);
    }
    false
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::Child;

    use super::*;
    use crate::commands::stack::Place;

    /// A process that leads a group, as applications do.
    fn start() -> Child {
        let mut command = shell::command(Path::new("/"), "sleep");
        command.arg("60").process_group(0).spawn().unwrap()
    }

    fn remember(runner: &Path, name: &str, child: &Child, later: u64) {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let slot = serde_json::json!({
            "format": 1,
            "slot_name": name,
            "process": {
                "pid": child.id(),
                "start_time": state::start_time(child.id()).unwrap() + later,
                "boot": boot.trim(),
                "port": 1,
            },
        });
        let slots = runner.join("slots");
        std::fs::create_dir_all(&slots).unwrap();
        std::fs::write(slots.join(format!("{name}.json")), slot.to_string()).unwrap();
    }

    #[test]
    fn applications_that_were_written_down_end_and_no_others() {
        let runner = tempfile::tempdir().unwrap();
        end_applications(runner.path()).expect("there are none, and no directory of them");
        let (mut ours, mut reused) = (start(), start());
        remember(runner.path(), "ours", &ours, 0);
        remember(runner.path(), "reused", &reused, 1);
        end_applications(runner.path()).unwrap();
        assert!(ours.try_wait().unwrap().is_some(), "it has ended");
        assert!(
            reused.try_wait().unwrap().is_none(),
            "a number that another process has by now is left alone"
        );
        reused.kill().unwrap();
        reused.wait().unwrap();
    }

    #[test]
    fn down_ends_what_a_killed_supervisor_left() {
        let dir = tempfile::tempdir().unwrap();
        let (mut supervisor, mut releaser, mut nats, mut app) =
            (start(), start(), start(), start());
        let part = |child: &Child| state::Process {
            pid: child.id(),
            start_time: state::start_time(child.id()).unwrap(),
            restarts: 0,
            log: "log".into(),
        };
        let state = State {
            server: String::new(),
            token_file: "token".into(),
            roles: [].into(),
            data: dir.path().into(),
            manifests: String::new(),
            supervisor: supervisor.id(),
            supervisor_start_time: state::start_time(supervisor.id()).unwrap(),
            processes: [
                ("releaser".to_owned(), part(&releaser)),
                ("nats-1".to_owned(), part(&nats)),
            ]
            .into(),
            nats: vec![],
            postgres: String::new(),
            passwords: [].into(),
            pause_file: "pause".into(),
        };
        state::write(dir.path(), &state).unwrap();
        remember(&dir.path().join("runner"), "app", &app, 0);
        supervisor.kill().unwrap();
        supervisor.wait().unwrap();
        let place = Place {
            dir: Some(dir.path().into()),
        };
        super::super::down(&place).unwrap();
        for child in [&mut releaser, &mut nats, &mut app] {
            assert!(child.try_wait().unwrap().is_some(), "{child:?} goes on");
        }
    }
}
