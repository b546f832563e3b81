//! Build reports as events, where the log is on NATS.

use std::sync::Arc;

use cd_manager::CdManager;
use intake::{Broker, Intake, Reports, StreamError};
use service::config::{Backend, Log};

use super::ground::Ground;
use super::refused;
use crate::failure::Failure;

/// Opens the queue; nothing where the log is a file.
pub(super) async fn open(ground: &Ground, manager: &CdManager) -> Result<Option<Intake>, Failure> {
    let log = &ground.config.log;
    if log.backend == Backend::Sqlite {
        return Ok(None);
    }
    let client = broker(log)?.connect().await.map_err(|error| {
        let text = error.to_string();
        if error.is_final {
            Failure::refused("intake-refused", text)
        } else {
            Failure::broke("intake-unreachable", text)
        }
    })?;
    let reports = Arc::new(manager.clone()) as Arc<dyn Reports>;
    let (directory, clock) = (ground.directory.clone(), Arc::clone(&ground.clock));
    Intake::open(client, log.replicas.into(), directory, clock, reports)
        .await
        .map(Some)
        .map_err(|error| match &error {
            StreamError::Missing { .. } | StreamError::Changed { .. } => {
                refused("intake-streams", &error)
            }
            StreamError::Refused { .. } => Failure::broke("intake-streams", error.to_string()),
        })
}

/// The broker of the log, which carries the queue as well.
pub(super) fn broker(log: &Log) -> Result<Broker, Failure> {
    let password = match &log.password_file {
        None => String::new(),
        Some(path) => std::fs::read_to_string(path).map_err(|error| {
            Failure::usage("log-password", format!("{}: {error}", path.display()))
        })?,
    };
    Ok(Broker {
        servers: log.servers().map(str::to_owned).collect(),
        user: log.user.clone(),
        password: password.trim_end().to_owned(),
        ca: log.ca.clone(),
    })
}
