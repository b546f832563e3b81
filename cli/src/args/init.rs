//! `towpath init`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Init {
    /// The manifests repository to use.
    #[arg(long, value_name = "URL", required_unless_present = "from")]
    pub(crate) manifests: Option<String>,
    /// The branch that environments follow.
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) branch: String,
    /// Print the environments found in an infrastructure repository on this machine.
    #[arg(long, value_name = "DIR", conflicts_with = "manifests")]
    pub(crate) from: Option<PathBuf>,
}
