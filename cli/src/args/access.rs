//! `towpath access`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Access {
    /// Create an identity and print its token, once.
    Create {
        /// Its name.
        name: String,
        /// A group: admin, release-manager, developer, ci, viewer, or one that an approval policy
        /// names. May be repeated.
        #[arg(long = "group", value_name = "GROUP", required = true)]
        groups: Vec<String>,
        /// A machine, not a person.
        #[arg(long)]
        service: bool,
        /// When its token stops being accepted: 2h, 7d, or 2026-11-20T10:00:00Z [default: never].
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
        /// Check everything, record nothing, make no token.
        #[arg(long)]
        dry_run: bool,
    },
    /// List identities.
    List,
    /// Refuse an identity's token from now on.
    Revoke {
        /// Its name.
        name: String,
        /// Check everything, record nothing.
        #[arg(long)]
        dry_run: bool,
    },
}
