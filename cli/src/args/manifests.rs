//! `towpath manifests`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Manifests {
    /// Check the manifests in a directory.
    Validate {
        /// The directory.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Show what refers to what.
    Graph {
        /// The directory.
        #[arg(default_value = ".")]
        dir: PathBuf,
    },
    /// Print the JSON schema of a kind, or of all.
    Schema {
        /// Such as Application.
        kind: Option<String>,
    },
}
