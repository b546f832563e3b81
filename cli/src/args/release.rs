//! `towpath release`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Release {
    /// Begin a release of what last succeeded in pre-release, or another pass of one that failed.
    Create {
        /// The application set.
        application_set: String,
        /// The bundle, such as 2026.11.
        #[arg(long, value_name = "NAME")]
        bundle: String,
        /// Same key and release, same answer [default: a new key].
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
        /// Check everything, record nothing, reserve no number.
        #[arg(long)]
        dry_run: bool,
    },
    /// List releases; the one that changed last comes first.
    List {
        /// Only of this application set.
        #[arg(long, value_name = "NAME", default_value = "")]
        application_set: String,
    },
    /// Show one release, its passes and where their tags stand.
    Show {
        /// Its id, the beginning of it, `application-set/bundle`, or a tag.
        release: String,
    },
}
