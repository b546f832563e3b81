//! One process: started or taken over, waited for and signalled through a pidfd, so that a
//! number that was given to another process meanwhile is never hit.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open,
    pidfd_send_signal, waitid,
};
use tokio::io::unix::AsyncFd;

use super::proc;

/// What to start.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    /// All of the environment.
    pub(super) env: Vec<(String, String)>,
    pub(super) directory: PathBuf,
    /// Takes both kinds of output. A file and no pipe, because the process outlives us.
    pub(super) log: File,
}

/// A process that we started, or an earlier one of us did.
#[derive(Debug)]
pub(super) struct Child {
    pid: Pid,
    start_time: u64,
    handle: AsyncFd<OwnedFd>,
    exit: OnceLock<Exit>,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Status(i32),
    Signal(i32),
    /// It was not our own child, so nobody told us.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "it exited with status {status}"),
            Self::Signal(signal) => write!(f, "it was ended by signal {signal}"),
            Self::Unknown => f.write_str("it ended"),
        }
    }
}

impl Child {
    /// Starts a process in a group of its own, so that it does not get our terminal's signals
    /// and can be ended with all of its own children.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts applications: directory and environment are set, and how long it may take to get healthy is for the caller"
    )]
    pub(super) fn spawn(start: Start) -> io::Result<Self> {
        let mut command = Command::new(&start.program);
        command
            .args(&start.arguments)
            .env_clear()
            .envs(start.env)
            .current_dir(&start.directory)
            .stdin(Stdio::null())
            .stdout(start.log.try_clone()?)
            .stderr(start.log)
            .process_group(0);
        Self::own(command.spawn()?, Self::open)
    }

    /// Takes over what was just started. It cannot be mistaken: its number is not given away
    /// before it was waited for, which only this type does. Who cannot be taken over, as when
    /// there are too many open files, ends: nobody else would ever look after it.
    fn own(
        mut started: std::process::Child,
        open: impl FnOnce(u32) -> io::Result<Self>,
    ) -> io::Result<Self> {
        let opened = open(started.id());
        if opened.is_err() {
            if let Some(group) = Pid::from_raw(started.id().cast_signed()) {
                let _none_left = kill_process_group(group, Signal::KILL);
            }
            // Also when it leads no group; then it is waited for, which does not take long.
            let _ended = started.kill();
            let _reaped = started.wait();
        }
        opened
    }

    /// A process that runs already.
    pub(super) fn open(pid: u32) -> io::Result<Self> {
        let pid = i32::try_from(pid)
            .ok()
            .and_then(Pid::from_raw)
            .ok_or(io::ErrorKind::InvalidInput)?;
        let handle = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
        let start_time = proc::stat(pid.as_raw_pid())?.start_time;
        Ok(Self {
            pid,
            start_time,
            handle: watched(handle)?,
            exit: OnceLock::new(),
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_pid().unsigned_abs()
    }

    /// In clock ticks since the machine started; with the pid it names a process.
    pub(super) fn start_time(&self) -> u64 {
        self.start_time
    }

    /// Waits until it has ended. May be called again, and dropped.
    pub(super) async fn exited(&self) -> Exit {
        if let Some(exit) = self.exit.get() {
            return *exit;
        }
        // A pidfd is readable from the moment the process has ended. Failing to wait for that
        // would mean that the reactor is gone, and we with it.
        if let Ok(mut ready) = self.handle.readable().await {
            ready.retain_ready();
        }
        *self.exit.get_or_init(|| self.reap())
    }

    fn reap(&self) -> Exit {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let Ok(Some(status)) = waitid(
            WaitId::PidFd(self.handle.get_ref().as_fd()),
            options | WaitIdOptions::NOWAIT,
        ) else {
            return Exit::Unknown;
        };
        // As long as it was not waited for, its number also names no other group: end what it
        // started and left behind.
        let _none_left = kill_process_group(self.pid, Signal::KILL);
        let _reaped = waitid(WaitId::PidFd(self.handle.get_ref().as_fd()), options);
        match (status.exit_status(), status.terminating_signal()) {
            (Some(status), _) => Exit::Status(status),
            (None, Some(signal)) => Exit::Signal(signal),
            (None, None) => Exit::Unknown,
        }
    }

    /// Asks it to end, with all of its group, and makes it end when it has not after `grace`.
    pub(super) async fn end(&self, grace: Duration) -> Exit {
        self.signal(Signal::TERM);
        if let Ok(exit) = tokio::time::timeout(grace, self.exited()).await {
            return exit;
        }
        tracing::warn!(
            pid = self.pid(),
            ?grace,
            "did not end when asked: killing it"
        );
        self.signal(Signal::KILL);
        self.exited().await
    }

    fn signal(&self, signal: Signal) {
        if self.exit.get().is_some() {
            return;
        }
        let same =
            proc::stat(self.pid.as_raw_pid()).is_ok_and(|stat| stat.start_time == self.start_time);
        let told = same && kill_process_group(self.pid, signal).is_ok();
        if !told {
            // It leads no group, or has ended: then this does nothing.
            let _ended = pidfd_send_signal(self.handle.get_ref(), signal);
        }
    }
}

#[expect(
    deprecated,
    reason = "its replacement is unsafe for the sake of types that close their descriptor early, which `OwnedFd` cannot"
)]
fn watched(handle: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Child {
        Child::spawn(Start {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), script.into()],
            env: Vec::new(),
            directory: "/".into(),
            log: tempfile::tempfile().unwrap(),
        })
        .unwrap()
    }

    #[tokio::test]
    async fn the_way_it_ended_is_known_and_stays_known() {
        let child = shell("exit 7");
        assert_eq!(child.exited().await, Exit::Status(7));
        assert_eq!(child.exited().await, Exit::Status(7));
        assert_eq!(child.end(Duration::ZERO).await, Exit::Status(7));
        assert!(
            proc::stat(child.pid.as_raw_pid()).is_err(),
            "still a zombie"
        );
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "a process that ends with the test"
    )]
    fn what_cannot_be_taken_over_is_not_left_running() {
        let started = Command::new("/bin/sleep")
            .arg("60")
            .current_dir("/")
            .process_group(0)
            .spawn()
            .unwrap();
        let pid = started.id().cast_signed();
        let full = || io::Error::from_raw_os_error(24);
        let why = Child::own(started, |_| Err(full())).unwrap_err();
        assert_eq!(why.raw_os_error(), Some(24));
        assert!(proc::stat(pid).is_err(), "it still runs");
    }

    #[tokio::test]
    async fn it_ends_when_asked_and_is_killed_when_it_does_not() {
        let child = shell("sleep 60");
        assert_eq!(child.end(Duration::from_secs(5)).await, Exit::Signal(15));
        let ready = tempfile::NamedTempFile::new().unwrap();
        let path = ready.path().display();
        let child = shell(&format!("trap '' TERM; echo > {path}; sleep 60; sleep 60"));
        while ready.as_file().metadata().unwrap().len() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(child.end(Duration::from_millis(100)).await, Exit::Signal(9));
    }
}
