//! Measures what Towpath promises to cost. Started by `cargo xtask bench`, which builds the
//! release binary first.
//!
//! Every figure stands beside its floor: what the disk, git or SQLite need for the same work
//! when nothing of Towpath is in the way, measured in the same run and, where it can be, in turns
//! with it, so that a machine that is busy for a while is busy for both.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks on its two streams"
)]

mod benches;
mod figure;
mod ground;
mod machine;
mod page;
mod program;
mod samples;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, ValueEnum};

use crate::benches::Bench;
use crate::figure::Figure;
use crate::ground::Ground;
use crate::machine::Machine;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask bench",
    about = "Measure what Towpath promises to cost"
)]
struct Arguments {
    /// Only these; all when none is named
    names: Vec<Bench>,
    /// Fewer samples: under a minute, for a first look
    #[arg(long)]
    quick: bool,
    /// Fail when a figure that gates misses its goal
    #[arg(long)]
    check: bool,
    /// Write the figures of this machine into the reference
    #[arg(long, conflicts_with = "quick")]
    write: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// The release binary
    #[arg(long, hide = true)]
    towpath: PathBuf,
    /// A directory on the disk that is to be measured
    #[arg(long, hide = true)]
    within: PathBuf,
    /// The file that `--write` writes
    #[arg(long, hide = true)]
    page: PathBuf,
}

/// How figures are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

/// What one bench came to.
type Measured = (Bench, Vec<Figure>);

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(mut arguments: Arguments) -> Result<ExitCode> {
    let ground = Ground::new(&arguments.within, &arguments.towpath, arguments.quick)?;
    let machine = Machine::of(&arguments.within)?;
    if arguments.names.is_empty() {
        arguments.names = Bench::value_variants().to_vec();
    }
    if arguments.output == Output::Text {
        println!("{machine}\n\n{}", figure::HEADING);
    }
    let mut all: Vec<Measured> = Vec::new();
    for bench in arguments.names {
        eprintln!("measuring {}", bench.name());
        let figures = bench
            .run(&ground)
            .await
            .with_context(|| format!("bench `{}`", bench.name()))?;
        if arguments.output == Output::Text {
            for figure in &figures {
                println!("{figure}");
            }
        }
        all.push((bench, figures));
    }
    if arguments.output == Output::Json {
        println!("{:#}", page::json(&machine, &all));
    }
    if arguments.write {
        let page = &arguments.page;
        std::fs::write(page, page::markdown(&machine, &all))
            .with_context(|| format!("cannot write {}", page.display()))?;
        eprintln!("{} written", page.display());
    }
    Ok(verdict(&all, arguments.check))
}

/// Names what missed; only `--check` makes a failure of it.
fn verdict(all: &[Measured], check: bool) -> ExitCode {
    let missed = |it: &&Figure| it.met() == Some(false);
    let figures = || all.iter().flat_map(|(_, figures)| figures);
    for figure in figures().filter(missed) {
        let gates = if figure.gates { "" } else { " (does not gate)" };
        eprintln!("missed{gates}: {}", figure.what);
    }
    if check && figures().filter(missed).any(|it| it.gates) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
