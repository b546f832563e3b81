//! `towpath environments`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Environments {
    /// List environments and what runs in them.
    List {
        /// As it was: a time such as 2026-11-20T10:00:00Z, or aggregate@version. Reads the log from
        /// its beginning, so it takes longer on a long one.
        #[arg(
            long,
            value_name = "WHEN",
            value_parser = clap::builder::NonEmptyStringValueParser::new()
        )]
        as_of: Option<String>,
    },
    /// Show one environment.
    Show {
        /// Its name.
        name: String,
        /// As it was: a time such as 2026-11-20T10:00:00Z, or aggregate@version. Reads the log from
        /// its beginning, so it takes longer on a long one.
        #[arg(
            long,
            value_name = "WHEN",
            value_parser = clap::builder::NonEmptyStringValueParser::new()
        )]
        as_of: Option<String>,
    },
}
