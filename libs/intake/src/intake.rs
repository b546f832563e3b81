//! Takes messages off the queue, one after the other per subject, and answers each: done, refused
//! with a letter, or again later.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use access::{Directory, Principal, Unauthenticated, authorize};
use async_nats::Client;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{AckKind, Context, Message};
use futures::StreamExt as _;
use proto::delivery::v1::ReportBuildResponse;
use service::fault::{Fault, Kind};
use service::{Clock, authn};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::event::{Event, shown};
use crate::letter::{AUTHORIZATION, Refused};
use crate::streams::{self, DLQ, IN, StreamError};

/// The call that an event stands for.
const METHOD: &str = "/towpath.delivery.v1.DeliveryService/ReportBuild";

/// Subjects share this many lanes; within a lane messages are answered in order.
const LANES: usize = 8;

/// Without a sign of the broker for twice this time, the queue is asked anew.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A request for messages is good for this long.
const EXPIRES: Duration = Duration::from_secs(15);

/// How long to wait before the queue is asked again after it did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Where reports go: the same way as calls do.
#[async_trait::async_trait]
pub trait Reports: Send + Sync + 'static {
    /// Records the build that an event reports, for whoever sent it.
    async fn report(&self, caller: &Principal, event: &Event)
    -> Result<ReportBuildResponse, Fault>;
}

/// Reads build reports off the queue. Clones share everything.
#[derive(Clone)]
pub struct Intake {
    context: Context,
    directory: Directory,
    clock: Arc<dyn Clock>,
    reports: Arc<dyn Reports>,
}

/// A message and what the broker says about it.
struct Received {
    message: Message,
    sequence: u64,
    delivered: i64,
    published_us: i64,
}

impl Intake {
    /// Checks that the streams are there and as they should be.
    pub async fn open(
        client: Client,
        replicas: usize,
        directory: Directory,
        clock: Arc<dyn Clock>,
        reports: Arc<dyn Reports>,
    ) -> Result<Self, StreamError> {
        streams::check(client.clone(), replicas).await?;
        Ok(Self {
            context: streams::context(client),
            directory,
            clock,
            reports,
        })
    }

    /// Answers messages until cancelled. While the broker is away it asks again and again; what
    /// was delivered and not answered comes again by itself.
    pub async fn run(&self, stop: CancellationToken) {
        let mut said = String::new();
        while !stop.is_cancelled() {
            if let Err(why) = self.follow(&stop).await
                && why != said
            {
                tracing::warn!(%why, "build reports on NATS cannot be read; trying again");
                said = why;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }

    async fn follow(&self, stop: &CancellationToken) -> Result<(), String> {
        let consumer = streams::consumer(&self.context)
            .await
            .map_err(|it| it.to_string())?;
        let mut messages = consumer
            .stream()
            .heartbeat(HEARTBEAT)
            .expires(EXPIRES)
            .max_messages_per_batch(usize::try_from(streams::MAX_PENDING).unwrap_or(1) / 2)
            .messages()
            .await
            .map_err(|it| it.to_string())?;
        let mut lanes = Lanes::start(self);
        let ended = loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => break Ok(()),
                next = messages.next() => next,
            };
            match next {
                Some(Ok(message)) => lanes.give(message).await,
                Some(Err(error)) => break Err(error.to_string()),
                None => break Err("the broker ended the request".to_owned()),
            }
        };
        lanes.finish().await;
        ended
    }

    async fn answer(&self, it: Received) {
        let why = match self.report(&it).await {
            Ok(answer) => {
                tracing::info!(
                    sequence = it.sequence,
                    build = %answer.build_id,
                    state = %answer.state,
                    "an event reported a build"
                );
                return acknowledge(&it).await;
            }
            Err(why) => why,
        };
        if is_passing(&why, it.delivered) {
            tracing::warn!(sequence = it.sequence, code = why.code, %why, "a build report waits");
            return again(&it).await;
        }
        tracing::warn!(
            sequence = it.sequence,
            subject = %shown(&it.message.subject),
            code = why.code,
            "an event was refused; {DLQ} says why"
        );
        match self.refuse(&it, &why).await {
            Ok(()) => acknowledge(&it).await,
            Err(error) => {
                tracing::warn!(sequence = it.sequence, %error, "the refusal cannot be written yet");
                again(&it).await;
            }
        }
    }

    async fn report(&self, it: &Received) -> Result<ReportBuildResponse, Fault> {
        let caller = self.caller(it)?;
        let event = Event::parse(&it.message.subject, &it.message.payload)?;
        self.reports.report(&caller, &event).await
    }

    /// As at the port, but the token has to be good when the message was taken in, not when it is
    /// read: a report that waited for us is not late. What was revoked since is refused.
    fn caller(&self, it: &Received) -> Result<Principal, Fault> {
        let headers = it
            .message
            .headers
            .as_ref()
            .ok_or(Unauthenticated::Missing)?;
        let value = headers
            .iter()
            .find(|(name, _)| name.to_string().eq_ignore_ascii_case(AUTHORIZATION))
            .and_then(|(_, values)| values.first())
            .ok_or(Unauthenticated::Missing)?;
        let token = authn::bearer(value.as_str())?;
        let shown_us = it.published_us.min(self.clock.now_us());
        let principal = self.directory.authenticate_at(token, shown_us)?;
        authorize(&principal, METHOD)?;
        Ok(principal)
    }

    async fn refuse(&self, it: &Received, why: &Fault) -> Result<(), String> {
        let refused = Refused {
            subject: &it.message.subject,
            sequence: it.sequence,
            published_us: it.published_us,
            now_us: self.clock.now_us(),
            headers: it.message.headers.as_ref(),
            body: &it.message.payload,
        };
        let letter = PublishMessage::build()
            .payload(refused.letter(why).to_string().into())
            .header("Towpath-Code", why.code)
            .expected_stream(DLQ)
            .message_id(format!("{IN}:{}:{}", it.sequence, it.published_us));
        let rest = it
            .message
            .subject
            .strip_prefix("tp.in.")
            .unwrap_or("unknown");
        let written = self
            .context
            .send_publish(format!("tp.dlq.{rest}"), letter)
            .await;
        let written = written.map_err(|error| error.to_string())?;
        written.await.map(drop).map_err(|error| error.to_string())
    }
}

/// Whether the same message may be answered otherwise later. A token that nobody knows may have
/// been made a moment ago: it is looked up twice.
fn is_passing(why: &Fault, delivered: i64) -> bool {
    match why.kind {
        Kind::Lost | Kind::Unknown | Kind::Exhausted | Kind::Broken => true,
        Kind::Unauthenticated => why.code == "token-unknown" && delivered <= 1,
        // Not the report's fault: somebody mends the manifests, or this role is replaced by one
        // that knows the event.
        Kind::Rejected => matches!(why.code, "manifests-unusable" | "unknown-event"),
        Kind::Invalid | Kind::Denied | Kind::NotFound | Kind::KeyReused => false,
    }
}

async fn acknowledge(it: &Received) {
    // Not confirmed: it comes again, and is answered the same.
    if let Err(error) = it.message.double_ack().await {
        tracing::debug!(sequence = it.sequence, %error, "an answer was not confirmed");
    }
}

async fn again(it: &Received) {
    const SECONDS: [u64; 5] = [1, 2, 5, 10, 30];
    let tries = usize::try_from(it.delivered.saturating_sub(1)).unwrap_or_default();
    let wait = SECONDS.get(tries).copied().unwrap_or(30);
    let nak = AckKind::Nak(Some(Duration::from_secs(wait)));
    if let Err(error) = it.message.ack_with(nak).await {
        tracing::debug!(sequence = it.sequence, %error, "a message was not put back");
    }
}

/// Tasks that answer messages, those of one subject always in the same one.
struct Lanes {
    senders: Vec<mpsc::Sender<Received>>,
    tasks: JoinSet<()>,
}

impl Lanes {
    fn start(intake: &Intake) -> Self {
        let mut tasks = JoinSet::new();
        let senders = (0..LANES).map(|_| {
            let (sender, mut receiver) = mpsc::channel::<Received>(LANES * 8);
            let intake = intake.clone();
            tasks.spawn(async move {
                while let Some(it) = receiver.recv().await {
                    intake.answer(it).await;
                }
            });
            sender
        });
        let senders = senders.collect();
        Self { senders, tasks }
    }

    async fn give(&mut self, message: Message) {
        let received = match message.info() {
            Ok(info) => Received {
                sequence: info.stream_sequence,
                delivered: info.delivered,
                published_us: micros(info.published.unix_timestamp_nanos()),
                message,
            },
            Err(error) => {
                tracing::warn!(%error, "the broker delivered what is no message of a stream");
                return;
            }
        };
        let mut hasher = DefaultHasher::new();
        received.message.subject.as_str().hash(&mut hasher);
        let lanes = self.senders.len() as u64;
        let lane = usize::try_from(hasher.finish() % lanes).unwrap_or_default();
        if let Some(lane) = self.senders.get(lane)
            && lane.send(received).await.is_err()
        {
            tracing::warn!("a lane of build reports has ended; its messages come again");
        }
    }

    /// Everything that was taken is answered.
    async fn finish(self) {
        drop(self.senders);
        self.tasks.join_all().await;
    }
}

fn micros(nanos: i128) -> i64 {
    i64::try_from(nanos / 1_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let fault = |kind, code| Fault::new(kind, code, "x");
        assert!(is_passing(&fault(Kind::Unknown, "manifests-unusable"), 9));
        assert!(is_passing(&fault(Kind::Broken, "internal"), 9));
        assert!(!is_passing(&fault(Kind::Rejected, "digest-changed"), 1));
        assert!(is_passing(&fault(Kind::Rejected, "manifests-unusable"), 9));
        assert!(is_passing(&fault(Kind::Rejected, "unknown-event"), 9));
        assert!(!is_passing(
            &fault(Kind::Unauthenticated, "token-expired"),
            1
        ));
        assert!(is_passing(
            &fault(Kind::Unauthenticated, "token-unknown"),
            1
        ));
        assert!(!is_passing(
            &fault(Kind::Unauthenticated, "token-unknown"),
            2
        ));
    }
}
