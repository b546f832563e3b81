//! `towpath changelog`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(crate) struct Changelog {
    /// A deployment's id, or the beginning of it; or `A..B`, two revisions of a repository on this
    /// machine: what B has and A has not, and the other way round. An empty one is HEAD.
    #[arg(value_name = "DEPLOYMENT|A..B")]
    pub(crate) subject: String,
    /// For `A..B`: the repository, or a directory in it [default: the current directory].
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,
}

impl Changelog {
    /// Whether a repository is meant, and no deployment: ids hold no dots.
    pub(crate) fn is_range(&self) -> bool {
        self.subject.contains("..")
    }
}
