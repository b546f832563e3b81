//! `towpath build`.

use clap::{Args as ClapArgs, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Build {
    /// Report that a build exists. Reporting it again gives the same answer, for ever.
    Report(Box<Report>),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Report {
    /// The build definition.
    #[arg(long)]
    pub(crate) definition: String,
    /// The container within the definition.
    #[arg(long)]
    pub(crate) container: String,
    /// The version, which is also the image's tag.
    #[arg(long)]
    pub(crate) version: String,
    /// The image: sha256:… of its manifest or index.
    #[arg(long)]
    pub(crate) digest: String,
    /// LATEST, ALPHA, BETA, HOTFIX or NONE.
    #[arg(long, default_value = "LATEST", value_name = "TYPE")]
    pub(crate) release_type: String,
    /// An artifact registry that holds the image. May be repeated [default: the definition's].
    #[arg(long = "registry", value_name = "NAME")]
    pub(crate) registries: Vec<String>,
    /// The source commit.
    #[arg(long, value_name = "OID")]
    pub(crate) commit: Option<String>,
    /// CI's run number.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) ci_run: u64,
    /// Same key and report, same answer [default: a new key].
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Wait until its deployments have come to rest; exit 1 unless all succeeded.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Check everything, record nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
