//! `towpath sample-image`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct SampleImage {
    /// The OCI layout; made when it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) layout: PathBuf,
    /// The version that it answers.
    #[arg(long)]
    pub(crate) version: String,
    /// The name that it answers.
    #[arg(long, default_value = "sample")]
    pub(crate) name: String,
    /// Answer health probes with 500 and this text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) broken: Option<String>,
}
