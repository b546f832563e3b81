//! Reading messages in order through a consumer that exists as long as it is read from.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::message::Message;
use futures::StreamExt as _;

use super::api::{Api, ApiError, Patience, Seek};
use super::message;
use crate::commit::Stored;
use crate::corrupt::{Corrupt, Place};
use crate::log::{Position, ReadError};
use crate::subscription::PAGE_BYTES;

/// What a request asks for at once.
const BATCH: usize = 512;

/// How long a server keeps a consumer that nobody reads from. Each start of a role makes some, and
/// one that is killed deletes none: roles that die again and again must not fill a server, which
/// has a limit. Whoever was only slow makes another one.
const IDLE: Duration = Duration::from_secs(5);

/// How long a server keeps a request for more.
const EXPIRES: Duration = Duration::from_secs(30);

/// Nothing for so long, although there is something: the consumer is made anew.
const STALLED: Duration = Duration::from_secs(3);

/// What a consumer gives.
pub(super) struct Wants<'a> {
    pub(super) from: u64,
    pub(super) subject: Option<&'a str>,
    pub(super) headers_only: bool,
}

/// Messages as they come. Acknowledges nothing: where a reader is, the reader knows.
pub(super) async fn messages(
    api: &Api,
    stream: &str,
    wants: Wants<'_>,
) -> Result<pull::Stream, ApiError> {
    let config = pull::Config {
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: wants.from.max(1),
        },
        ack_policy: AckPolicy::None,
        filter_subject: wants.subject.unwrap_or_default().to_owned(),
        headers_only: wants.headers_only,
        inactive_threshold: IDLE,
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    };
    let away = |e: String| ApiError::Away(e);
    let mut patience = Patience::new(&api.timeouts);
    let consumer = loop {
        let made = api
            .context
            .create_consumer_on_stream(config.clone(), stream);
        match made.await.map_err(|e| away(e.to_string())) {
            Err(error) if patience.allows(&error).await => {}
            other => break other?,
        }
    };
    let builder = consumer.stream().expires(EXPIRES).heartbeat(STALLED);
    let builder = if wants.headers_only {
        builder.max_messages_per_batch(BATCH * 4)
    } else {
        builder
            .max_messages_per_batch(BATCH)
            .max_bytes_per_batch(2 * PAGE_BYTES)
    };
    builder.messages().await.map_err(|e| away(e.to_string()))
}

/// The position of a message.
pub(super) fn position(message: &Message) -> Result<u64, ApiError> {
    let info = message.info();
    info.map(|it| it.stream_sequence)
        .map_err(|e| ApiError::Away(e.to_string()))
}

/// The next message, or why there is none for now.
pub(super) async fn next(messages: &mut pull::Stream) -> Result<Message, ApiError> {
    match messages.next().await {
        Some(Ok(message)) => Ok(message),
        Some(Err(error)) => Err(ApiError::Away(error.to_string())),
        None => Err(ApiError::Away("the consumer ended".into())),
    }
}

/// Commits in order, from a place on. What was received and not yet given is kept, so that
/// dropping a read loses nothing.
#[derive(Default)]
pub(super) struct Cursor {
    messages: Option<pull::Stream>,
    ready: VecDeque<Stored>,
    /// The position of the last commit received.
    received: u64,
    /// Bytes of what is ready.
    held: usize,
}

/// Where a cursor reads.
pub(super) struct Ground<'a> {
    pub(super) api: &'a Api,
    pub(super) stream: &'a str,
    pub(super) prefix: &'a str,
}

impl Cursor {
    /// Whether the next commit it gives is the one after a position.
    pub(super) fn stands_at(&self, after: u64) -> bool {
        self.messages.is_some()
            && self
                .ready
                .front()
                .map_or(self.received, |it| it.position.0 - 1)
                == after
    }

    /// Commits after a position, up to `last`, at most `limit`, not many more than a page of
    /// bytes. All of them exist: waits for them, through reconnects, as long as it has patience.
    pub(super) async fn take(
        &mut self,
        ground: &Ground<'_>,
        after: u64,
        last: u64,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        if !self.stands_at(after) {
            *self = Self::default();
            self.received = after;
        }
        let until = last.min(after.saturating_add(limit as u64));
        let mut patience = Patience::new(&ground.api.timeouts);
        while self.received < until && self.held < PAGE_BYTES {
            let received = tokio::time::timeout(STALLED, self.receive(ground)).await;
            match received.unwrap_or_else(|_| Err(stalled())) {
                Ok(()) => {}
                Err(Trouble::Corrupt(corrupt)) => return Err(corrupt.into()),
                Err(Trouble::Api(error)) => {
                    self.messages = None;
                    if !patience.allows(&error).await {
                        return Err(error.into());
                    }
                }
            }
        }
        Ok(self.give(until, limit))
    }

    async fn receive(&mut self, ground: &Ground<'_>) -> Result<(), Trouble> {
        if self.messages.is_none() {
            let wants = Wants {
                from: self.received + 1,
                subject: None,
                headers_only: false,
            };
            let made = messages(ground.api, ground.stream, wants).await?;
            self.messages = Some(made);
        }
        let Some(messages) = &mut self.messages else {
            return Ok(());
        };
        let message = next(messages).await?;
        let position = position(&message)?;
        if position <= self.received {
            return Ok(());
        }
        if position != self.received + 1 {
            let wanted = Seek::At(self.received + 1);
            if ground.api.get(ground.stream, &wanted).await?.is_some() {
                return Err(lost().into());
            }
            let expected = Position(self.received + 1);
            let at = Place::at(Position(position)).into();
            return Err(Corrupt::PositionGap { at, expected }.into());
        }
        let message = message.split().0;
        let headers = message.headers.unwrap_or_default();
        let stored = message::open(
            ground.prefix,
            position,
            &message.subject,
            &headers,
            message.payload,
        )?;
        self.received = position;
        self.held += stored.commit.bytes().len();
        self.ready.push_back(stored);
        Ok(())
    }

    fn give(&mut self, until: u64, limit: usize) -> Vec<Stored> {
        let mut room = PAGE_BYTES;
        let mut given = Vec::with_capacity(limit.min(self.ready.len()));
        while given.len() < limit && room > 0 {
            match self.ready.pop_front_if(|it| it.position.0 <= until) {
                Some(stored) => {
                    let bytes = stored.commit.bytes().len();
                    room = room.saturating_sub(bytes);
                    self.held -= bytes;
                    given.push(stored);
                }
                None => break,
            }
        }
        given
    }
}

/// What was on its way when a connection ended counts as delivered, since nothing is acknowledged.
pub(super) fn lost() -> ApiError {
    ApiError::Away("a message was lost on its way; it is read again".into())
}

fn stalled() -> Trouble {
    ApiError::Away("a consumer gave nothing although there is something".into()).into()
}

/// Why the next commit did not come.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}

impl From<ApiError> for ReadError {
    fn from(error: ApiError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
