//! A process that ends with whoever started it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Error;

/// How often readiness is looked at, for thirty seconds.
const LOOK: Duration = Duration::from_millis(20);

/// A server; killed when dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts it; what it says goes to `log`.
    pub fn spawn(mut command: Command, log: &Path) -> Result<Self, Error> {
        let file = File::create(log).map_err(|error| Error::io(log, error))?;
        let again = file.try_clone().map_err(|error| Error::io(log, error))?;
        let program = PathBuf::from(command.get_program());
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(again)
            .spawn()
            .map_err(|error| Error::io(program, error))?;
        let log = log.to_owned();
        Ok(Self { child, log })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until `ready` says so; an end before that is an error.
    pub fn until(&mut self, what: &str, mut ready: impl FnMut() -> bool) -> Result<(), Error> {
        let mut looks = 30_000 / LOOK.as_millis();
        while !ready() {
            let ended = self.child.try_wait().ok().flatten();
            looks = looks.saturating_sub(1);
            if ended.is_some() || looks == 0 {
                return Err(Error::Failed {
                    what: what.to_owned(),
                    output: self.said(),
                });
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
