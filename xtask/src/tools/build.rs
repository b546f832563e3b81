//! Programs that are built as they are shipped, several versions of one beside each other.

use anyhow::{Context as _, Result};

use crate::shell;

/// Puts the program of a crate into the tools directory as `name`; says whether it is there now.
pub(super) fn release(name: &str, package: &str, version: &str) -> Result<bool> {
    let tools = shell::tools_directory();
    let bin = tools.join("bin");
    let work = tools.join(format!("{name}.new"));
    std::fs::create_dir_all(&bin)?;
    std::fs::create_dir_all(&work)?;
    let root = work.to_string_lossy();
    let arguments = [
        "install",
        package,
        "--locked",
        "--bin",
        package,
        "--version",
        version,
        "--root",
        &root,
    ];
    // From the tools directory, so that no setting of this workspace applies.
    if !shell::run(&tools, &shell::cargo(), &arguments)? {
        return Ok(false);
    }
    let (from, to) = (work.join("bin").join(package), bin.join(name));
    std::fs::rename(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
    std::fs::remove_dir_all(&work)?;
    Ok(true)
}
