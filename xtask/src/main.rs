//! `cargo xtask <command>`: what this project does with itself.
//!
//! One command per file under `commands/`; `tidy/` holds the rules no other tool knows, `gen/`
//! what is written from the sources.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks on its two streams"
)]

mod commands;
mod r#gen;
#[cfg(test)]
mod purity;
mod shell;
mod stack;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use crate::commands::Command;

/// The command line of `cargo xtask`.
#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    match Arguments::parse().command.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
