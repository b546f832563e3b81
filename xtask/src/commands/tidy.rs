//! `cargo xtask tidy`: checks the rules of `tidy/` against this tree.

use std::process::ExitCode;

use anyhow::Result;

use crate::tidy;
use crate::workspace::{Workspace, root};

/// Prints what breaks a rule, and why the rule is there; then what only deserves a look.
pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::read(&root())?;
    for note in tidy::notes(&workspace) {
        println!("note: {}: {}", note.place, note.what);
    }
    let report = tidy::report(&workspace);
    if report.is_empty() {
        println!("tidy: {} rules hold", tidy::RULES.len());
        return Ok(ExitCode::SUCCESS);
    }
    eprint!("{report}");
    Ok(ExitCode::FAILURE)
}
