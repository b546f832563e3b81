//! `towpath environments`.

use clap::Subcommand;

use super::AsOf;

#[derive(Debug, Subcommand)]
pub(crate) enum Environments {
    /// List environments and what runs in them.
    List {
        #[command(flatten)]
        as_of: AsOf,
    },
    /// Show one environment.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        as_of: AsOf,
    },
}
