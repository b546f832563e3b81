//! What the program itself prints: `docs/reference/cli.md`, `configuration.md` and `services.md`,
//! from the same definitions that read its arguments and its file and that its roles work by, and
//! the users of NATS for the chart.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::shell;
use crate::workspace::{Workspace, root};

/// Variables that the program shows in its help, with their values on this machine.
const SHOWN: &[&str] = &["TOWPATH_SERVER", "TOWPATH_DATA", "TOWPATH_TOKEN"];

/// Every command.
pub(crate) fn cli(_: &Workspace) -> Result<String> {
    printed(&["reference", "cli"])
}

/// Every setting.
pub(crate) fn configuration(_: &Workspace) -> Result<String> {
    printed(&["reference", "configuration"])
}

/// Every service.
pub(crate) fn services(_: &Workspace) -> Result<String> {
    printed(&["reference", "services"])
}

/// The users of NATS and what each may do, with a variable for each password.
pub(crate) fn nats_users(_: &Workspace) -> Result<String> {
    printed(&["nats-config"])
}

fn printed(arguments: &[&str]) -> Result<String> {
    let shown = arguments.join(" ");
    let program = built()?;
    let mut command = shell::command(&root(), &program.to_string_lossy());
    for variable in SHOWN {
        command.env_remove(variable);
    }
    let output = command
        .args(arguments)
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`towpath {shown}` failed: {said}");
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("`towpath {shown}` printed something else than text"))?;
    Ok(format!("{}\n", text.trim_end()))
}

/// Builds the program as it is now. `--workspace`, because another choice of packages would build
/// every dependency again with other features.
fn built() -> Result<PathBuf> {
    let arguments = ["build", "--workspace", "--quiet"];
    ensure!(
        shell::run(&root(), &shell::cargo(), &arguments)?,
        "the program does not build, so its pages cannot be written"
    );
    let own = std::env::current_exe().context("this process has no path")?;
    let target = target_directory(&own)
        .with_context(|| format!("{} is in no target directory", own.display()))?;
    Ok(target.join("debug").join("towpath"))
}

/// Where cargo builds: above the directory of the profile, which holds `xtask` itself and, in
/// `deps`, its tests.
fn target_directory(own: &Path) -> Option<&Path> {
    let mut profile = own.parent()?;
    if profile.ends_with("deps") {
        profile = profile.parent()?;
    }
    profile.parent()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_directory_is_found_from_the_program_and_from_its_tests() {
        for own in [
            "/t/debug/xtask",
            "/t/debug/deps/xtask-0123",
            "/t/release/xtask",
        ] {
            assert_eq!(target_directory(Path::new(own)), Some(Path::new("/t")));
        }
    }
}
