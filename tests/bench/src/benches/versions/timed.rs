//! One program, from its start to its end, with its output in a file.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::Instant;

/// How often a program is looked at that may be ended.
const LOOK: Duration = Duration::from_millis(1);

/// How long a program takes; anything but success is an error that says what it said.
pub(super) fn run(command: &mut Command, out: &Path) -> Result<Duration> {
    let took = timed(command, out, |child| Ok(Some(child.wait()?)))?;
    took.context("it was waited for")
}

/// The same; nothing when it takes longer than `limit`. Then it is ended.
pub(super) fn within(
    limit: Duration,
    command: &mut Command,
    out: &Path,
) -> Result<Option<Duration>> {
    let began = Instant::now();
    timed(command, out, |child| {
        while began.elapsed() < limit {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(LOOK);
        }
        child.kill()?;
        child.wait()?;
        Ok(None)
    })
}

fn timed(
    command: &mut Command,
    out: &Path,
    wait: impl FnOnce(&mut Child) -> Result<Option<ExitStatus>>,
) -> Result<Option<Duration>> {
    let said = out.with_extension("said");
    command
        .stdout(File::create(out)?)
        .stderr(File::create(&said)?);
    let began = Instant::now();
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {command:?}"))?;
    let status = wait(&mut child)?;
    let took = began.elapsed();
    if let Some(status) = status {
        let said = std::fs::read_to_string(said).unwrap_or_default();
        ensure!(status.success(), "{command:?} failed: {said}");
    }
    Ok(status.map(|_| took))
}
