//! `towpath version`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Version {
    /// Say which label the title of a pull request derives.
    Label {
        /// The title, such as `feat(api): answer in pages`.
        title: String,
    },
}
