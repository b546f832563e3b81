//! `towpath rollback`.

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Rollback {
    /// The application.
    pub(crate) application: String,
    /// The environment.
    #[arg(long, value_name = "NAME")]
    pub(crate) env: String,
    /// The version to return to [default: the one before].
    #[arg(long, value_name = "VERSION")]
    pub(crate) to: Option<String>,
    /// Why.
    #[arg(long, default_value = "")]
    pub(crate) reason: String,
    /// Show the change, make none.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
