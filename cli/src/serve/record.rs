//! The log that the configuration names: opened whole, or refused.

use std::path::Path;
use std::sync::Arc;

use eventlog::nats::{self, NatsLog};
use eventlog::{Durability, EventLog, LogIdentity, ReadError, SqliteLog, sqlite};
use service::config::{Backend, Log, Profile};
use service::entropy::Entropy;
use service::{Clock, Config};

use super::{files, refused};
use crate::failure::Failure;

/// The log and what closes it.
#[derive(Clone)]
pub(crate) enum Record {
    /// One file in the data directory.
    File(SqliteLog),
    /// A stream on NATS.
    Nats(NatsLog),
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
            Backend::Nats => open_nats(config).await.map(Self::Nats),
        }
    }

    /// The log of a data directory that has one already.
    pub(crate) async fn existing(data: &Path, config: &Config) -> Result<Self, Failure> {
        match config.log.backend {
            Backend::Sqlite => SqliteLog::open_existing(&data.join("log.db"))
                .await
                .map(Self::File)
                .map_err(|error| refused("log-unusable", &error)),
            Backend::Nats => open_nats(config).await.map(Self::Nats),
        }
    }

    /// The log.
    pub(crate) fn log(&self) -> Arc<dyn EventLog> {
        match self {
            Self::File(log) => Arc::new(log.clone()),
            Self::Nats(log) => Arc::new(log.clone()),
        }
    }

    /// Returns once the log continues in a later epoch; never, where that cannot happen.
    pub(crate) async fn continues_elsewhere(&self) -> u32 {
        if let Self::Nats(log) = self
            && let Ok(epoch) = log.newer_epoch().wait_for(Option::is_some).await
            && let Some(epoch) = *epoch
        {
            return epoch;
        }
        std::future::pending().await
    }

    /// Ends its connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::File(log) => log.close().await,
            Self::Nats(log) => log.close().await,
        }
    }
}

async fn open_nats(config: &Config) -> Result<NatsLog, Failure> {
    let options = nats_options(config)?;
    NatsLog::open(&options)
        .await
        .map_err(|error| nats_refused(&error))
}

/// How the log on NATS is reached, as configured.
pub(crate) fn nats_options(config: &Config) -> Result<nats::Options, Failure> {
    let log = &config.log;
    files::nats(log)?;
    let mut options = nats::Options::new("");
    options.servers = log.servers().map(str::to_owned).collect();
    options.user = Some(log.user.clone()).filter(|it| !it.is_empty());
    options.password = password(log)?;
    options.ca.clone_from(&log.ca);
    options.replicas = usize::from(log.replicas);
    options.profile = match log.profile {
        Profile::Development => nats::Profile::Development,
        Profile::Production => nats::Profile::Production,
    };
    options.durability = match (log.synced, log.replicas) {
        (true, _) => Durability::Fsync,
        (false, 0 | 1) => Durability::OsBuffered,
        (false, _) => Durability::Replicated,
    };
    Ok(options)
}

/// The password of the role's NATS user, where it has one.
pub(super) fn password(log: &Log) -> Result<Option<String>, Failure> {
    let path = log.password_file.as_deref();
    path.map(|path| files::password("log.password_file", path))
        .transpose()
}

/// A server that is away may come back; everything else is for a person.
pub(crate) fn nats_refused(error: &nats::OpenError) -> Failure {
    match error {
        nats::OpenError::Unreachable { .. }
        | nats::OpenError::Restoring { .. }
        | nats::OpenError::Failed { .. }
        | nats::OpenError::Read(ReadError::Unavailable(_)) => {
            Failure::broke("log-unavailable", error.to_string())
                .fix("it may come back by itself: look at NATS, then try again")
        }
        other @ (nats::OpenError::Refused { .. }
        | nats::OpenError::Denied { .. }
        | nats::OpenError::Version { .. }
        | nats::OpenError::MaxPayload { .. }
        | nats::OpenError::Options(_)
        | nats::OpenError::Missing { .. }
        | nats::OpenError::Identity { .. }
        | nats::OpenError::Config { .. }
        | nats::OpenError::Corrupt(_)
        | nats::OpenError::Read(_)) => refused("log-refused", other),
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
