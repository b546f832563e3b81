//! Finds every domain (`src/domain/mod.rs` or `src/domain.rs` of a service or library) and writes
//! one `mod` line for each.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo speaks to build scripts through the environment"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let here = env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets CARGO_MANIFEST_DIR")?;
    let top = Path::new(&here).join("../..");
    let mut modules = String::new();
    let mut names = Vec::new();
    for group in ["libs", "services"] {
        // Cargo looks below the directory, so that a new domain is seen too.
        println!("cargo:rerun-if-changed={}", top.join(group).display());
        for (name, file) in domains(&top.join(group))? {
            write!(
                modules,
                "#[doc = \"The domain of `{group}/{name}`.\"]\n\
                 #[expect(clippy::allow_attributes, reason = \"not every domain leaves something unused\")]\n\
                 #[allow(dead_code, unused_imports, reason = \"what uses it stays behind in its crate\")]\n\
                 #[cfg(not(test))]\n\
                 #[path = \"{path}\"]\npub mod of_{module};\n",
                path = file.canonicalize()?.display().to_string().escape_default(),
                module = name.replace('-', "_"),
            )?;
            names.push(format!("{group}/{name}"));
        }
    }
    writeln!(
        modules,
        "/// The crates whose domains are compiled here.\npub const DOMAINS: &[&str] = &{names:?};"
    )?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("domains.rs"), modules)?;
    Ok(())
}

/// The crates below `group` that have a domain, with its top file, sorted by name. There is no
/// `services/` in a workspace without services, and then no domain in it either.
fn domains(group: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(group) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let source = entry.path().join("src");
        let files = [source.join("domain/mod.rs"), source.join("domain.rs")];
        if let Some(file) = files.into_iter().find(|file| file.is_file()) {
            found.push((entry.file_name().to_string_lossy().into_owned(), file));
        }
    }
    found.sort();
    Ok(found)
}
