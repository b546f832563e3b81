//! The one place where xtask starts processes: always without stdin, always in a named directory.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result};

/// A command that reads nothing and runs in `directory`, with the project's own tools on its PATH.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where xtask starts processes and reads PATH"
)]
pub(crate) fn command(directory: &Path, program: &str) -> Command {
    let mut path = vec![tools_directory().join("bin")];
    path.extend(std::env::split_paths(
        &std::env::var_os("PATH").unwrap_or_default(),
    ));
    let path = std::env::join_paths(path).expect("entries of PATH can be joined again");
    let mut command = Command::new(program);
    command
        .current_dir(directory)
        .stdin(Stdio::null())
        .env("PATH", path)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether this runs in CI, where a skip is a failure.
#[expect(
    clippy::disallowed_methods,
    reason = "the edge where CI says that it is CI"
)]
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == *"true" || value == *"1")
}

/// Where tools go that no package of the system offers: kept with the build, thrown away with it.
pub(crate) fn tools_directory() -> PathBuf {
    crate::workspace::root().join("target/tools")
}

/// Runs to the end, streams inherited; true when it succeeded.
pub(crate) fn run<S: AsRef<OsStr>>(
    directory: &Path,
    program: &str,
    arguments: &[S],
) -> Result<bool> {
    let status = command(directory, program)
        .args(arguments)
        .status()
        .with_context(|| format!("cannot start `{program}`"))?;
    Ok(status.success())
}

/// Runs to the end and keeps both streams; `None` when there is no such program.
pub(crate) fn capture<S: AsRef<OsStr>>(
    directory: &Path,
    program: &str,
    arguments: &[S],
) -> Result<Option<Output>> {
    match command(directory, program).args(arguments).output() {
        Ok(output) => Ok(Some(output)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot start `{program}`")),
    }
}

/// The cargo that runs this, so that a toolchain chosen with `+` stays chosen.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo names itself in its children's environment"
)]
pub(crate) fn cargo() -> String {
    std::env::var_os("CARGO")
        .and_then(|path: OsString| path.into_string().ok())
        .unwrap_or_else(|| "cargo".to_owned())
}
