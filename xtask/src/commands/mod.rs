//! The commands, one per file, named by the word that is typed.

mod bench;
mod r#gen;
mod setup;
pub(crate) mod stack;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::Subcommand;

/// One command with its options.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Find or install what the tests need
    Setup(setup::Options),
    /// Set up, then run every test; ends with the runner's own summary
    Test(test::Options),
    /// Check the rules that neither rustc nor clippy can state
    Tidy,
    /// Write the generated files
    Gen(r#gen::Options),
    /// Run the roles over NATS and PostgreSQL on this machine
    #[command(subcommand)]
    Stack(stack::Options),
    /// Build for release and measure; every figure beside its floor
    Bench(bench::Options),
}

impl Command {
    /// Runs the command; an error is something that broke, a code is its verdict.
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Setup(options) => setup::run(&options),
            Self::Test(options) => test::run(&options),
            Self::Tidy => tidy::run(),
            Self::Gen(options) => r#gen::run(&options),
            Self::Stack(options) => stack::run(&options),
            Self::Bench(options) => bench::run(&options),
        }
    }
}
