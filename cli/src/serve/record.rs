//! The log that the configuration names: opened whole, or refused.

use std::path::Path;
use std::sync::Arc;

use eventlog::{EventLog, LogIdentity, SqliteLog, sqlite};
use service::config::Backend;
use service::entropy::Entropy;
use service::{Clock, Config};

use super::refused;
use crate::failure::Failure;

/// The log and what closes it.
#[derive(Clone)]
pub(crate) enum Record {
    /// One file in the data directory.
    File(SqliteLog),
}

impl Record {
    /// Opens the log; a file is made when there is none.
    pub(crate) async fn open(
        data: &Path,
        config: &Config,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<Self, Failure> {
        match config.log.backend {
            Backend::Sqlite => open_file(data, clock, entropy).await.map(Self::File),
            Backend::Nats => Err(Failure::usage("log-backend", "nats is not linked in")),
        }
    }

    /// The log of a data directory that has one already.
    pub(crate) async fn existing(data: &Path, config: &Config) -> Result<Self, Failure> {
        match config.log.backend {
            Backend::Sqlite => SqliteLog::open_existing(&data.join("log.db"))
                .await
                .map(Self::File)
                .map_err(|error| refused("log-unusable", &error)),
            Backend::Nats => Err(Failure::usage("log-backend", "nats is not linked in")),
        }
    }

    /// The log.
    pub(crate) fn log(&self) -> Arc<dyn EventLog> {
        match self {
            Self::File(log) => Arc::new(log.clone()),
        }
    }

    /// Ends its connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::File(log) => log.close().await,
        }
    }
}

async fn open_file(
    data: &Path,
    clock: &dyn Clock,
    entropy: &dyn Entropy,
) -> Result<SqliteLog, Failure> {
    let now_us = clock.now_us();
    let fresh = LogIdentity {
        log_id: entropy.id(now_us),
        epoch: 1,
        created_at_us: now_us,
    };
    let path = data.join("log.db");
    let log = SqliteLog::open(&path, &fresh)
        .await
        .map_err(|error| open_refused(&error))?;
    match sqlite::verify(&log, crate::commands::progress("checking the log")).await {
        Ok(_) => Ok(log),
        Err(sqlite::VerifyError::Corrupt(found)) => {
            let text: Vec<_> = found.iter().map(ToString::to_string).collect();
            Err(Failure::refused("log-corrupt", text.join("\n"))
                .fix("the log is kept as it is; restore the data directory from a backup, or import an export"))
        }
        Err(error) => Err(Failure::broke("log", error.to_string())),
    }
}

fn open_refused(error: &sqlite::OpenError) -> Failure {
    match error {
        sqlite::OpenError::Full { .. }
        | sqlite::OpenError::NotWritable { .. }
        | sqlite::OpenError::Locked { .. } => Failure::broke("log", error.to_string()),
        sqlite::OpenError::Missing { .. }
        | sqlite::OpenError::NotALog { .. }
        | sqlite::OpenError::Newer { .. }
        | sqlite::OpenError::Corrupt { .. }
        | sqlite::OpenError::Failed { .. } => refused("log-corrupt", error),
    }
}
