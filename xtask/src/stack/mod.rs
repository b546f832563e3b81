//! The local stack: what it consists of, started in order and kept up.

mod left;
mod plan;
mod state;
mod supervise;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use testkit::{nats, postgres};

use crate::commands::stack::{Place, Up};
use crate::shell;
use crate::workspace::root;
use plan::Plan;

/// The roles, in the order in which they start. The first is the gateway.
const ROLES: [&str; 6] = [
    "cd-manager",
    "releaser",
    "approval-ledger",
    "changelog",
    "runner",
    "forge",
];

/// The role that starts applications.
const RUNNER: &str = "runner";

/// How often a supervisor is looked at that was asked to end.
const LOOK: Duration = Duration::from_millis(100);
/// How long it may take: each of its parts gets ten seconds, one after the other.
const LOOKS_TO_END: u32 = 1_200;

/// The directory of a stack.
fn directory(place: &Place) -> Result<PathBuf> {
    let dir = place
        .dir
        .clone()
        .unwrap_or_else(|| root().join("target/stack"));
    std::fs::create_dir_all(&dir)?;
    Ok(dir.canonicalize()?)
}

/// Starts everything and keeps it up until it is interrupted.
pub(crate) fn up(options: &Up) -> Result<ExitCode> {
    let dir = directory(&options.place)?;
    if let Some(state) = state::read(&dir)?
        && state.is_supervised()
    {
        bail!(
            "a stack runs in {} (process {}): end it with `cargo xtask stack down`",
            dir.display(),
            state.supervisor
        );
    }
    let plan = Plan::make(&dir, options)?;
    supervise::run(&plan)
}

/// Ends everything that was started in a directory: asks the supervisor, waits until it has
/// ended, and ends itself what one that was killed left behind.
pub(crate) fn down(place: &Place) -> Result<ExitCode> {
    let dir = directory(place)?;
    let Some(state) = state::read(&dir)? else {
        bail!("no stack was started in {}", dir.display());
    };
    if state.is_supervised() {
        shell::run(&dir, "kill", &[state.supervisor.to_string()])?;
        for _ in 0..LOOKS_TO_END {
            if !state.is_supervised() {
                break;
            }
            std::thread::sleep(LOOK);
        }
        if state.is_supervised() {
            bail!(
                "the supervisor (process {}) has not ended what it started: look at its output, or kill it and repeat `cargo xtask stack down`",
                state.supervisor
            );
        }
    }
    // It wrote last what it could not end; of one that was killed that is everything.
    let state = state::read(&dir)?.unwrap_or(state);
    left::end_parts(&state)?;
    left::end_applications(&plan::data(&dir, RUNNER))?;
    println!("ended");
    Ok(ExitCode::SUCCESS)
}

/// The binary that roles run from, unless another was given.
fn build() -> Result<PathBuf> {
    let root = root();
    let arguments = ["build", "--workspace", "--bin", "towpath"];
    if !shell::run(&root, &shell::cargo(), &arguments)? {
        bail!("towpath does not build");
    }
    Ok(target().join("debug/towpath"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo says by it where things are built"
)]
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A secret of its own in a file that only its owner reads; made once.
fn secret(path: &Path) -> Result<String> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if let Ok(found) = std::fs::read_to_string(path) {
        return Ok(found);
    }
    let mut bytes = [0_u8; 16];
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    let mut text = String::new();
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ok = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
    }
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| path.display().to_string())?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    Ok(text)
}
