//! `towpath approve`, `reject` and `approvals`.

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, ClapArgs)]
pub(crate) struct Say {
    /// The deployment's id, or the beginning of it.
    pub(crate) deployment: String,
    /// The stage [default: the one that asks now].
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) stage: String,
    /// Why; kept as it is written.
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) comment: String,
    /// The plan that was looked at, or the beginning of its digest: refused when another one
    /// is asked about now [default: whichever is].
    #[arg(
        long,
        value_name = "DIGEST",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) plan: String,
    /// Same key and words, same answer [default: a new key].
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Check everything, record nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Approvals {
    /// List what asks for approval, newest first.
    List {
        /// What is settled too.
        #[arg(long)]
        all: bool,
    },
    /// Show who is asked about a deployment, and what they said.
    Show {
        /// The deployment's id, or the beginning of it.
        deployment: String,
        /// The stage [default: the one that asked last].
        #[arg(
            long,
            value_name = "NAME",
            default_value = "",
            hide_default_value = true
        )]
        stage: String,
    },
}
