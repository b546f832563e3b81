//! `cargo xtask bench`: builds for release, then measures; every figure beside its floor.

use std::process::ExitCode;

use anyhow::Result;

use crate::shell;
use crate::tools::{self, Purpose};
use crate::workspace::root;

/// Options of `cargo xtask bench`, handed on to the program that measures.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these: append, report, promotions, storm, rebuild, replay, jetstream, idle,
    /// manifests, versions
    names: Vec<String>,
    /// Fewer samples, for a first look
    #[arg(long)]
    quick: bool,
    /// Fail when a figure that gates misses its goal
    #[arg(long)]
    check: bool,
    /// Write the figures of this machine into the reference
    #[arg(long)]
    write: bool,
    /// How to print: text or json
    #[arg(long, default_value = "text")]
    output: String,
}

impl Options {
    fn arguments(&self) -> Vec<String> {
        let flags = [
            ("--quick", self.quick),
            ("--check", self.check),
            ("--write", self.write),
        ];
        let given = flags.into_iter().filter(|(_, given)| *given);
        let mut arguments = vec!["--output".to_owned(), self.output.clone()];
        arguments.extend(given.map(|(name, _)| name.to_owned()));
        arguments.extend(self.names.iter().cloned());
        arguments
    }
}

/// Where figures of a machine are written down.
const PAGE: &str = "docs/reference/benchmarks.md";

/// Builds what is shipped and what measures it, then runs the latter.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let root = root();
    // The whole workspace, so that features are those of every other release build.
    let build = ["build", "--release", "--workspace"];
    if !shell::run(&root, &shell::cargo(), &build)? {
        return Ok(ExitCode::FAILURE);
    }
    if options.names.is_empty() || options.names.iter().any(|it| it == "versions") {
        peers()?;
    }
    let release = root.join("target/release");
    let mut arguments: Vec<String> = Vec::new();
    for (name, path) in [
        ("--towpath", release.join("towpath")),
        ("--within", root.join("target/bench")),
        ("--page", root.join(PAGE)),
    ] {
        arguments.extend([name.to_owned(), path.display().to_string()]);
    }
    arguments.extend(options.arguments());
    let bench = release.join("bench").display().to_string();
    let passed = shell::run(&root, &bench, &arguments)?;
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Finds or builds what others are measured with; rows beside one that cannot be had are left out.
fn peers() -> Result<()> {
    for tool in tools::ALL {
        if tool.purpose == Purpose::Bench
            && let Err(reason) = tool.find_or_install()?
        {
            eprintln!("{} is missing: {reason}", tool.name);
        }
    }
    Ok(())
}
