//! `towpath log`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum Log {
    /// Show commits as they were written.
    Tail {
        /// Only after this position.
        #[arg(long, default_value_t = 0, value_name = "POSITION")]
        after: u64,
        /// Go on with new ones as they come.
        #[arg(long)]
        follow: bool,
    },
    /// Check every commit of the log; on NATS also against its archive.
    Verify,
    /// Write the log to a file.
    Export {
        /// The file; `-` for standard output.
        file: PathBuf,
    },
    /// Make a log from an exported file, in an empty data directory.
    Import {
        /// The file.
        file: PathBuf,
    },
    /// Put a log on NATS back, with an operator's credentials. Roles start again by themselves.
    Restore {
        /// What it is made of.
        #[arg(long, value_enum)]
        from: RestoreFrom,
        /// Begin a new epoch: writers of the old one are refused from then on.
        #[arg(long, required = true)]
        new_epoch: bool,
    },
}

/// What a log is restored from.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RestoreFrom {
    /// The archive in PostgreSQL.
    Archive,
}
