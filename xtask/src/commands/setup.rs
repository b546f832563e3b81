//! `cargo xtask setup`: looks on PATH for versions that are new enough, then installs.

use std::process::ExitCode;

use anyhow::Result;

use crate::tools::{self, Purpose};

/// Options of `cargo xtask setup`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Also what only CI needs: the linter of dependencies
    #[arg(long)]
    ci: bool,
}

/// Prints one line per tool; fails when one can neither be found nor installed.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let mut missing = 0;
    for tool in tools::ALL {
        let is_wanted = match tool.purpose {
            Purpose::Test => true,
            Purpose::Ci => options.ci,
            Purpose::Bench => false,
        };
        if !is_wanted {
            continue;
        }
        match tool.find_or_install()? {
            Ok(found) => println!("{:<12} {} {}", tool.name, found.version, found.origin),
            Err(reason) => {
                missing += 1;
                eprintln!("{:<12} missing: {reason}", tool.name);
            }
        }
    }
    Ok(if missing == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
