//! Build reports as events, where the log is on NATS.

use std::sync::Arc;

use cd_manager::CdManager;
use intake::{Broker, Intake, Reports, StreamError};
use service::Config;
use service::config::{Backend, Log};

use super::ground::Ground;
use super::record::password;
use super::refused;
use crate::failure::Failure;

/// Opens the queue; nothing where the log is a file.
pub(super) async fn open(ground: &Ground, manager: &CdManager) -> Result<Option<Intake>, Failure> {
    let log = &ground.config.log;
    if log.backend == Backend::Sqlite {
        return Ok(None);
    }
    let client = connect(log).await?;
    let reports = Arc::new(manager.clone()) as Arc<dyn Reports>;
    let (directory, clock) = (ground.directory.clone(), Arc::clone(&ground.clock));
    Intake::open(client, log.replicas.into(), directory, clock, reports)
        .await
        .map(Some)
        .map_err(|error| streams_refused(&error))
}

/// Makes the streams of CI's events, with an operator's credentials.
pub(crate) async fn create_intake(config: &Config) -> Result<(), Failure> {
    let client = connect(&config.log).await?;
    let made = intake::create(client, config.log.replicas.into()).await;
    made.map_err(|error| streams_refused(&error))
}

async fn connect(log: &Log) -> Result<intake::Client, Failure> {
    broker(log)?.connect().await.map_err(|error| {
        let text = error.to_string();
        if error.is_final {
            Failure::refused("intake-refused", text)
        } else {
            Failure::broke("intake-unreachable", text)
        }
    })
}

fn streams_refused(error: &StreamError) -> Failure {
    match error {
        StreamError::Missing { .. } | StreamError::Changed { .. } => {
            refused("intake-streams", error)
        }
        StreamError::Refused { .. } => Failure::broke("intake-streams", error.to_string()),
    }
}

/// The broker of the log, which carries the queue as well.
pub(super) fn broker(log: &Log) -> Result<Broker, Failure> {
    Ok(Broker {
        servers: log.servers().map(str::to_owned).collect(),
        user: log.user.clone(),
        password: password(log)?.unwrap_or_default(),
        ca: log.ca.clone(),
    })
}
