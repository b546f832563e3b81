//! `towpath hold`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Hold {
    /// Place a hold.
    Create {
        /// app, appset, environment or all.
        #[arg(long)]
        scope: String,
        /// `application`, `environment/application`, or a name; nothing for all.
        #[arg(long, default_value = "")]
        subject: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// When it runs out: 2h, 7d, or 2026-11-20T10:00:00Z [default: when released].
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Check everything, record nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// List holds in force.
    List {
        /// Released and run-out ones too.
        #[arg(long)]
        all: bool,
    },
    /// Release a hold.
    Release {
        /// Its id.
        id: String,
        /// Why.
        #[arg(long, default_value = "")]
        reason: String,
        /// Check everything, record nothing.
        #[arg(long)]
        dry_run: bool,
    },
}
