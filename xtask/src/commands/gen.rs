//! `cargo xtask gen`: writes the generated files; `--check` only says which are out of date.

use std::process::ExitCode;

use anyhow::Result;

use crate::r#gen::{self, Outcome};
use crate::workspace::{Workspace, root};

/// Options of `cargo xtask gen`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; fail with the difference when a file is out of date
    #[arg(long)]
    check: bool,
}

/// Generates every file of the table in `gen/mod.rs`.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let root = root();
    let workspace = Workspace::read(&root)?;
    let mut stale = 0;
    for generated in r#gen::FILES {
        let contents = (generated.render)(&workspace)?;
        match r#gen::ensure_file_contents(&root, generated.path, &contents, options.check)? {
            Outcome::UpToDate => println!("{} is up to date", generated.path),
            Outcome::Written => println!("{} written", generated.path),
            Outcome::Stale(difference) => {
                stale += 1;
                eprintln!("{} is out of date; run `cargo xtask gen`:", generated.path);
                eprint!("{difference}");
            }
        }
    }
    Ok(if stale == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
