//! Questions to JetStream, asked again while a leader is elected or a connection comes back.

use std::time::Duration;

use async_nats::jetstream::context::Context;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{Config, Info, RawMessageErrorKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::options::Timeouts;

/// No answer, or not the one asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ApiError {
    /// The server said no.
    #[error("{text} ({code})")]
    Refused { code: u64, text: String },
    /// Nobody answered: asking again can help.
    #[error("{0}")]
    Away(String),
}

/// Error codes of JetStream.
pub(super) mod codes {
    pub(crate) const STREAM_NOT_FOUND: u64 = 10059;
    pub(crate) const STREAM_NAME_IN_USE: u64 = 10058;
    pub(crate) const STREAM_SUBJECTS_OVERLAP: u64 = 10065;
    pub(crate) const STREAM_WRONG_LAST_SEQUENCE: u64 = 10071;
    pub(crate) const STREAM_WRONG_LAST_SEQUENCE_CONSTANT: u64 = 10164;
    pub(crate) const STREAM_DUPLICATE_IN_PROCESS: u64 = 10158;
    pub(crate) const STREAM_NOT_MATCH: u64 = 10060;
    pub(crate) const STREAM_MESSAGE_EXCEEDS_MAXIMUM: u64 = 10054;
    pub(crate) const STREAM_HEADER_EXCEEDS_MAXIMUM: u64 = 10097;
    /// No peers, not available, no leader, no quorum, offline, too many requests.
    pub(crate) const PASSING: &[u64] = &[
        10004, 10005, 10006, 10008, 10009, 10010, 10048, 10118, 10119, 10122, 10167,
    ];
    /// Accounts, memory, storage.
    pub(crate) const NO_ROOM: &[u64] = &[10002, 10023, 10028, 10047];
}

/// Where to look for one message.
#[derive(Debug, Clone)]
pub(super) enum Seek {
    /// At this position.
    At(u64),
    /// The last of a subject.
    Last(String),
    /// The next of a subject, from a position on.
    Next(u64, String),
}

#[derive(Deserialize)]
struct Names {
    #[serde(default)]
    streams: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Deleted {}

/// JetStream, with patience.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) context: Context,
    pub(super) timeouts: Timeouts,
}

impl Api {
    pub(super) fn new(client: async_nats::Client, timeouts: Timeouts) -> Self {
        let context = async_nats::jetstream::context::ContextBuilder::new()
            .timeout(timeouts.request)
            .build(client);
        Self { context, timeouts }
    }

    /// Names of the streams that hold a subject.
    pub(super) async fn streams(&self, subject: &str) -> Result<Vec<String>, ApiError> {
        let body = json!({ "subject": subject });
        let names: Names = self.ask("STREAM.NAMES".into(), &body).await?;
        Ok(names.streams.unwrap_or_default())
    }

    pub(super) async fn info(&self, stream: &str) -> Result<Info, ApiError> {
        self.ask(format!("STREAM.INFO.{stream}"), &json!({})).await
    }

    /// One look, without patience.
    pub(super) async fn glimpse(&self, stream: &str) -> Result<Info, ApiError> {
        self.once(&format!("STREAM.INFO.{stream}"), &json!({}))
            .await
    }

    pub(super) async fn create(&self, config: &Config) -> Result<Info, ApiError> {
        let body = to_value(config)?;
        self.ask(format!("STREAM.CREATE.{}", config.name), &body)
            .await
    }

    pub(super) async fn update(&self, config: &Config) -> Result<Info, ApiError> {
        let body = to_value(config)?;
        self.ask(format!("STREAM.UPDATE.{}", config.name), &body)
            .await
    }

    /// Deletes a stream; one that is gone already is deleted.
    pub(super) async fn delete(&self, stream: &str) -> Result<(), ApiError> {
        let nothing = json!({});
        let deleted = self.ask::<Deleted>(format!("STREAM.DELETE.{stream}"), &nothing);
        match deleted.await {
            Ok(Deleted {}) => Ok(()),
            Err(ApiError::Refused { code, .. }) if code == codes::STREAM_NOT_FOUND => Ok(()),
            Err(other) => Err(other),
        }
    }

    /// One message by the leader of the stream: what was acknowledged before is seen.
    pub(super) async fn get(
        &self,
        stream: &str,
        seek: &Seek,
    ) -> Result<Option<StreamMessage>, ApiError> {
        let mut patience = Patience::new(&self.timeouts);
        loop {
            match self.look(stream, seek).await {
                Err(error) if patience.allows(&error).await => {}
                other => return other,
            }
        }
    }

    /// One look, without patience.
    pub(super) async fn look(
        &self,
        stream: &str,
        seek: &Seek,
    ) -> Result<Option<StreamMessage>, ApiError> {
        let stream = self.context.get_stream_no_info(stream).await;
        let stream = stream.map_err(|e| ApiError::Away(e.to_string()))?;
        let builder = stream.raw_message_builder();
        let builder = match seek {
            Seek::At(position) => builder.sequence(*position),
            Seek::Last(subject) => builder.last_by_subject(subject.clone()),
            Seek::Next(position, subject) => {
                builder.sequence(*position).next_by_subject(subject.clone())
            }
        };
        match builder.send().await {
            Ok(message) => Ok(Some(message)),
            Err(error) => match error.kind() {
                RawMessageErrorKind::NoMessageFound => Ok(None),
                RawMessageErrorKind::JetStream(it) => Err(refused(&it)),
                RawMessageErrorKind::InvalidSubject | RawMessageErrorKind::Other => {
                    Err(ApiError::Away(error.to_string()))
                }
            },
        }
    }

    async fn ask<T: DeserializeOwned>(&self, subject: String, body: &Value) -> Result<T, ApiError> {
        let mut patience = Patience::new(&self.timeouts);
        loop {
            match self.once(&subject, body).await {
                Err(error) if patience.allows(&error).await => {}
                other => return other,
            }
        }
    }

    async fn once<T: DeserializeOwned>(&self, subject: &str, body: &Value) -> Result<T, ApiError> {
        let answer = self.context.request(subject.to_owned(), body).await;
        match answer.map_err(|e| ApiError::Away(e.to_string()))? {
            Response::Ok(it) => Ok(it),
            Response::Err { error } => Err(refused(&error)),
        }
    }
}

/// How long a question is asked again.
pub(super) struct Patience {
    deadline: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        Self {
            deadline: Instant::now() + timeouts.patience,
            pause: Duration::from_millis(5),
        }
    }

    /// Whether to ask again after this error; waits before it says so.
    pub(super) async fn allows(&mut self, error: &ApiError) -> bool {
        if !error.passes() || Instant::now() + self.pause >= self.deadline {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_millis(250));
        true
    }
}

impl ApiError {
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Refused { code, .. } => codes::PASSING.contains(code),
        }
    }
}

fn refused(error: &async_nats::jetstream::Error) -> ApiError {
    ApiError::Refused {
        code: error.error_code().0,
        text: error.to_string(),
    }
}

fn to_value(config: &Config) -> Result<Value, ApiError> {
    serde_json::to_value(config).map_err(|e| ApiError::Refused {
        code: 0,
        text: e.to_string(),
    })
}
