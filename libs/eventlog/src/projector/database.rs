//! Where read models are kept.

use std::fmt;
use std::path::{Path, PathBuf};

use super::postgres::Server;

/// Where read models are kept.
#[derive(Debug, Clone)]
pub enum Database {
    /// A SQLite file of this machine.
    File(PathBuf),
    /// A schema of a PostgreSQL server.
    Postgres(Server),
}

impl From<&Path> for Database {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for Database {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<Server> for Database {
    fn from(server: Server) -> Self {
        Self::Postgres(server)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(server) => server.fmt(f),
        }
    }
}
