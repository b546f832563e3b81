//! Why a server could not be started.

use std::path::PathBuf;

/// Why a server could not be started, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such program, or only older ones.
    #[error("{name} {least} or newer is not installed: run `cargo xtask setup`")]
    Missing {
        /// The program.
        name: &'static str,
        /// The least version that will do.
        least: &'static str,
    },
    /// A file cannot be written.
    #[error("{path}: {error}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A program failed or did not become ready.
    #[error("{what}\n{output}")]
    Failed {
        /// What was tried.
        what: String,
        /// What it said.
        output: String,
    },
}

impl Error {
    pub(crate) fn io(path: impl Into<PathBuf>, error: std::io::Error) -> Self {
        let path = path.into();
        Self::Io { path, error }
    }
}
