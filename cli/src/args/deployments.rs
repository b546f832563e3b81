//! `towpath deployments`.

use clap::Subcommand;

use super::AsOf;

#[derive(Debug, Subcommand)]
pub(crate) enum Deployments {
    /// List deployments, newest first.
    List {
        /// Only of this application.
        #[arg(long)]
        application: Option<String>,
        /// Only to this environment.
        #[arg(long)]
        environment: Option<String>,
        /// Only in this state.
        #[arg(long)]
        state: Option<String>,
        /// At most this many, up to 10000.
        #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        limit: u32,
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Show one deployment.
    Show {
        /// Its id, or the beginning of it.
        id: String,
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Follow deployments as they change.
    Watch {
        /// Only this one.
        id: Option<String>,
        /// Only of this application.
        #[arg(long)]
        application: Option<String>,
        /// Only to this environment.
        #[arg(long)]
        environment: Option<String>,
        /// End when all of them are at rest.
        #[arg(long)]
        until_settled: bool,
    },
    /// Try again what failed or was refused.
    Retry {
        /// Its id, or the beginning of it.
        id: String,
        /// Check everything, record nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Give up a deployment that has not been committed.
    Abort {
        /// Its id, or the beginning of it.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Check everything, record nothing.
        #[arg(long)]
        dry_run: bool,
    },
}
