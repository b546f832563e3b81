//! Opening the log, and making its stream.

use std::sync::{Arc, Mutex};

use async_nats::jetstream::stream::Config;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::api::{Api, ApiError, codes};
use super::connect::connect;
use super::error::OpenError;
use super::options::Options;
use super::stream::{self, Says};
use super::{Held, NatsLog, Shared, follow, guard};
use crate::log::{LogIdentity, Position};

/// Makes the stream of a new log, with the operator's credentials. A log that is there already
/// stays, whatever its identity: the answer is the identity that the log has.
pub async fn create(options: &Options, fresh: &LogIdentity) -> Result<LogIdentity, OpenError> {
    let (client, link) = connect(options).await?;
    let api = Api::new(client.clone(), options.timeouts);
    let made = ensure(&api, options, fresh).await;
    let made = made.map_err(|error| link.explained(error, options));
    // The answer is known; a connection that ends badly changes nothing.
    let _ended = client.drain().await.is_err();
    made
}

async fn ensure(
    api: &Api,
    options: &Options,
    fresh: &LogIdentity,
) -> Result<LogIdentity, OpenError> {
    if let Some(found) = find(api, options).await? {
        return whole(options, &found);
    }
    let wanted = stream::wanted(options, &Says::Log(*fresh));
    match api.create(&wanted).await {
        Ok(_) => {}
        // Another one was as fast: what it made is checked.
        Err(ApiError::Refused { code, .. })
            if code == codes::STREAM_NAME_IN_USE || code == codes::STREAM_SUBJECTS_OVERLAP => {}
        Err(error) => return Err(failed(&format!("creating stream {}", wanted.name), &error)),
    }
    match find(api, options).await? {
        Some(found) => whole(options, &found),
        None => Err(missing(options)),
    }
}

/// The stream that holds the log's subjects, if there is one.
pub(super) async fn find(api: &Api, options: &Options) -> Result<Option<Config>, OpenError> {
    let names = api.streams(&options.place.subjects()).await;
    let names = names.map_err(|e| failed("looking for the log's stream", &e))?;
    let Some(name) = names.first() else {
        return Ok(None);
    };
    match api.info(name).await {
        Ok(info) => Ok(Some(info.config)),
        Err(ApiError::Refused { code, .. }) if code == codes::STREAM_NOT_FOUND => Ok(None),
        Err(error) => Err(failed(
            &format!("reading the settings of stream {name}"),
            &error,
        )),
    }
}

/// The identity of a stream that is a whole log with the right settings.
fn whole(options: &Options, found: &Config) -> Result<LogIdentity, OpenError> {
    let says = stream::says(found)?;
    stream::check(&stream::wanted(options, &says), found)?;
    identity(says, found)
}

fn identity(says: Says, found: &Config) -> Result<LogIdentity, OpenError> {
    match says {
        Says::Log(identity) => Ok(identity),
        Says::Restoring(_) => Err(OpenError::Restoring {
            stream: found.name.clone(),
        }),
    }
}

pub(super) async fn open(options: &Options) -> Result<NatsLog, OpenError> {
    opened(options, |found| {
        let identity = whole(options, found)?;
        let mut wanted = stream::wanted(options, &Says::Log(identity));
        wanted.num_replicas = found.num_replicas;
        Ok((identity, wanted))
    })
    .await
}

pub(super) async fn open_as_it_is(
    options: &Options,
    presumed: &LogIdentity,
) -> Result<NatsLog, OpenError> {
    opened(options, |found| {
        let says = stream::says(found).unwrap_or(Says::Log(*presumed));
        Ok((identity(says, found)?, found.clone()))
    })
    .await
}

/// Opens what `judge` admits: it says which log it is, and which settings it has to keep.
async fn opened(
    options: &Options,
    judge: impl FnOnce(&Config) -> Result<(LogIdentity, Config), OpenError>,
) -> Result<NatsLog, OpenError> {
    let (client, link) = connect(options).await?;
    let opened = open_at(options, client.clone(), link.clone(), judge).await;
    let opened = opened.map_err(|error| link.explained(error, options));
    if opened.is_err() {
        let _ended = client.drain().await.is_err();
    }
    opened
}

async fn open_at(
    options: &Options,
    client: async_nats::Client,
    link: Arc<super::connect::Link>,
    judge: impl FnOnce(&Config) -> Result<(LogIdentity, Config), OpenError>,
) -> Result<NatsLog, OpenError> {
    let api = Api::new(client.clone(), options.timeouts);
    let found = find(&api, options).await?.ok_or_else(|| missing(options))?;
    let (identity, wanted) = judge(&found)?;
    let shared = Arc::new(Shared {
        client,
        api,
        link,
        identity,
        stream: found.name,
        prefix: options.place.prefix.clone(),
        wanted,
        durability: options.durability,
        stop: CancellationToken::new(),
        tail: watch::Sender::new(Position::default()),
        followed: watch::Sender::new(0),
        unfollowed: Mutex::default(),
        confirmed: watch::Sender::new(None),
        halt: watch::Sender::new(None),
        said: watch::Sender::new(None),
        newer: watch::Sender::new(None),
        restoring: watch::Sender::new(None),
        shelf: Mutex::default(),
        recent: Mutex::default(),
        highest: Mutex::default(),
        reader: tokio::sync::Mutex::default(),
        counts: super::Counts::default(),
    });
    let log = NatsLog {
        held: Arc::new(Held {
            shared: shared.clone(),
        }),
    };
    let tail = shared.tail_position().await?;
    shared.tail.send_replace(Position(tail));
    tokio::spawn(guard::run(shared.clone(), options.clone()));
    tokio::spawn(follow::run(shared.clone(), tail));
    shared.followed_to(tail).await?;
    shared.confirmed().await?;
    Ok(log)
}

pub(super) fn missing(options: &Options) -> OpenError {
    OpenError::Missing {
        servers: options.servers(),
        subjects: options.place.subjects(),
    }
}

pub(super) fn failed(what: &str, error: &ApiError) -> OpenError {
    OpenError::Failed {
        what: what.to_owned(),
        why: error.to_string(),
    }
}
