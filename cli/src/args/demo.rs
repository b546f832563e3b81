//! `towpath demo`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Demo {
    /// Stay up afterwards, until interrupted.
    #[arg(long, conflicts_with_all = ["prepare", "server"])]
    pub(crate) keep: bool,
    /// Where to work; left there afterwards [default: a new directory for temporary files]. With
    /// --server, where that server finds its manifests (manifests.git) and images (images).
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Only make the manifests repository and the images in --dir, for a server to be started on
    /// them.
    #[arg(long, requires = "dir", conflicts_with = "keep")]
    pub(crate) prepare: bool,
}
