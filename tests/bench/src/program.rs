//! The one place that starts programs: each with a directory and an environment of its own.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// A program in `directory`, with nothing of the user's settings.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts programs"
)]
pub(crate) fn program(path: &Path, directory: &Path) -> Command {
    let mut command = Command::new(path);
    command
        .current_dir(directory)
        .env("HOME", directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_NAME", "Bench")
        .env("GIT_AUTHOR_EMAIL", "bench@example.com")
        .env("GIT_COMMITTER_NAME", "Bench")
        .env("GIT_COMMITTER_EMAIL", "bench@example.com")
        .stdin(Stdio::null());
    command
}

/// Runs git to its end; what it printed, without the last line's end.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> Result<String> {
    let output = git_bytes(directory, arguments, None)?;
    Ok(String::from_utf8(output)?.trim_end().to_owned())
}

/// The same in bytes, with something on its standard input.
pub(crate) fn git_bytes(
    directory: &Path,
    arguments: &[&str],
    input: Option<&[u8]>,
) -> Result<Vec<u8>> {
    let mut command = program(Path::new("git"), directory);
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if input.is_some() {
        command.stdin(Stdio::piped());
    }
    let mut child = command.spawn().context("cannot start git")?;
    if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
        stdin.write_all(input).context("git does not read")?;
    }
    let output = child.wait_with_output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {arguments:?}: {stderr}");
    Ok(output.stdout)
}
