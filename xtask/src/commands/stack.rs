//! `cargo xtask stack`: the roles over a real NATS and a real PostgreSQL, on this machine.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::stack;

/// What to do with the local stack.
#[derive(clap::Subcommand)]
pub(crate) enum Options {
    /// Start everything, restart what dies, until interrupted
    Up(Up),
    /// End a stack that was started in the same directory
    Down(Place),
}

/// Where a stack is.
#[derive(clap::Args)]
pub(crate) struct Place {
    /// Where it keeps everything [default: target/stack]
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
}

/// How a stack is started.
#[derive(clap::Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The manifests repository [default: the demo's, made for it]
    #[arg(long)]
    pub(crate) manifests: Option<String>,
    /// What relative paths of OCI layouts are relative to [default: the directory]
    #[arg(long)]
    pub(crate) layouts: Option<PathBuf>,
    /// How many NATS servers: 1 or 3
    #[arg(long, default_value_t = 1)]
    pub(crate) nats: u16,
    /// Where the gateway answers [default: a free port]
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// A binary instead of the one built from here; `role=path` for one role only
    #[arg(long = "towpath")]
    pub(crate) binaries: Vec<String>,
    /// An OTLP receiver for traces
    #[arg(long)]
    pub(crate) otlp: Option<String>,
}

/// Runs the command.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    match options {
        Options::Up(up) => stack::up(up),
        Options::Down(place) => stack::down(place),
    }
}
