//! The two streams and the consumer: made by an operator, looked at by whoever uses them.

use std::time::Duration;

use async_nats::jetstream::consumer::{self, AckPolicy, Consumer, IntoConsumerConfig as _, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, context::ContextBuilder};
use async_nats::{Client, jetstream};

/// The stream that CI publishes into.
pub const IN: &str = "TP_IN";
/// The stream of what was refused.
pub const DLQ: &str = "TP_DLQ";
/// The durable consumer of [`IN`].
pub const CONSUMER: &str = "cd-manager";

/// A message is a few hundred bytes; more is somebody's mistake, and a letter about it has to fit.
const MAX_MESSAGE: i32 = 64 * 1024;
/// What is delivered and not answered comes again after this time.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// Messages that are worked on at once.
pub(crate) const MAX_PENDING: i64 = 64;
/// Answers of the broker are waited for this long.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why events cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A stream or the consumer is not there.
    #[error("{what} is not there: {why}; run `towpath migrate` with the operator's credentials")]
    Missing {
        /// Which.
        what: String,
        /// What the broker said.
        why: String,
    },
    /// Somebody changed it.
    #[error(
        "{what}: {field} is {found}, not {wanted}; restore it, or remove it and run `towpath migrate`"
    )]
    Changed {
        /// Which stream or consumer.
        what: String,
        /// Which setting.
        field: &'static str,
        /// What it should be.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// The broker refused to make it.
    #[error("{what} cannot be made: {why}")]
    Refused {
        /// Which.
        what: String,
        /// What the broker said.
        why: String,
    },
}

/// `JetStream` with a limit on every answer.
pub(crate) fn context(client: Client) -> Context {
    ContextBuilder::new()
        .timeout(TIMEOUT)
        .ack_timeout(TIMEOUT)
        .build(client)
}

fn config(name: &str, replicas: usize) -> Config {
    let common = Config {
        name: name.to_owned(),
        storage: StorageType::File,
        num_replicas: replicas,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        ..Config::default()
    };
    if name == IN {
        return Config {
            description: Some("Build reports of CI, until they are answered".to_owned()),
            subjects: vec!["tp.in.>".to_owned()],
            retention: RetentionPolicy::WorkQueue,
            // A full queue is an error that CI sees, never a report that is gone.
            discard: DiscardPolicy::New,
            max_bytes: 1 << 30,
            max_message_size: MAX_MESSAGE,
            duplicate_window: Duration::from_mins(2),
            ..common
        };
    }
    Config {
        description: Some("Build reports that were refused, and why".to_owned()),
        subjects: vec!["tp.dlq.>".to_owned()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_bytes: 1 << 30,
        max_message_size: -1,
        max_age: Duration::from_hours(30 * 24),
        // A letter that is written again after a crash is one letter.
        duplicate_window: Duration::from_hours(1),
        ..common
    }
}

fn consumer_config() -> pull::Config {
    pull::Config {
        durable_name: Some(CONSUMER.to_owned()),
        description: Some("Answers build reports".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        max_deliver: -1,
        max_ack_pending: MAX_PENDING,
        ..pull::Config::default()
    }
}

/// Makes the streams and the consumer, with an operator's credentials. What is there already stays
/// as it is, if it is as it should be.
pub async fn create(client: Client, replicas: usize) -> Result<(), StreamError> {
    let context = context(client);
    for name in [IN, DLQ] {
        let wanted = config(name, replicas);
        if context.get_stream(name).await.is_err() {
            context
                .create_stream(wanted)
                .await
                .map_err(|error| StreamError::Refused {
                    what: format!("the stream {name}"),
                    why: error.to_string(),
                })?;
        }
        check_stream(&context, name, replicas).await?;
    }
    if consumer(&context).await.is_err() {
        context
            .create_consumer_on_stream(consumer_config(), IN)
            .await
            .map_err(|error| StreamError::Refused {
                what: format!("the consumer {CONSUMER} of {IN}"),
                why: error.to_string(),
            })?;
    }
    check_consumer(&context).await
}

/// Looks whether the streams and the consumer are there and as they should be.
pub async fn check(client: Client, replicas: usize) -> Result<(), StreamError> {
    let context = context(client);
    for name in [IN, DLQ] {
        check_stream(&context, name, replicas).await?;
    }
    check_consumer(&context).await
}

/// The consumer, as the broker has it.
pub(crate) async fn consumer(context: &Context) -> Result<Consumer<pull::Config>, StreamError> {
    let missing = |error: jetstream::context::GetStreamError| StreamError::Missing {
        what: format!("the stream {IN}"),
        why: error.to_string(),
    };
    let stream = context.get_stream_no_info(IN).await.map_err(missing)?;
    stream
        .get_consumer(CONSUMER)
        .await
        .map_err(|error| StreamError::Missing {
            what: format!("the consumer {CONSUMER} of {IN}"),
            why: error.to_string(),
        })
}

async fn check_stream(context: &Context, name: &str, replicas: usize) -> Result<(), StreamError> {
    let stream = context
        .get_stream(name)
        .await
        .map_err(|error| StreamError::Missing {
            what: format!("the stream {name}"),
            why: error.to_string(),
        })?;
    let found = &stream.cached_info().config;
    // More copies than asked for do no harm.
    let wanted = config(name, replicas.max(found.num_replicas));
    let fields = fields(&wanted).into_iter().zip(fields(found));
    differ(format!("the stream {name}"), fields)
}

async fn check_consumer(context: &Context) -> Result<(), StreamError> {
    let found = self::consumer(context).await?;
    let fields = |it: &consumer::Config| {
        [
            ("ack_policy", format!("{:?}", it.ack_policy)),
            ("ack_wait", format!("{:?}", it.ack_wait)),
            ("max_deliver", it.max_deliver.to_string()),
            ("filter_subject", it.filter_subject.clone()),
            ("filter_subjects", format!("{:?}", it.filter_subjects)),
            ("max_ack_pending", it.max_ack_pending.to_string()),
        ]
    };
    let found = &found.cached_info().config;
    let wanted = consumer_config().into_consumer_config();
    let fields = fields(&wanted).into_iter().zip(fields(found));
    differ(format!("the consumer {CONSUMER} of {IN}"), fields)
}

type Field = (&'static str, String);

fn age(it: Duration) -> String {
    if it.is_zero() {
        "unlimited".to_owned()
    } else {
        format!("{it:?}")
    }
}

/// Every setting on which it depends that nothing is lost.
fn fields(it: &Config) -> [Field; 17] {
    let limit = |it: i64| {
        if it <= 0 {
            "unlimited".to_owned()
        } else {
            it.to_string()
        }
    };
    [
        ("subjects", it.subjects.join(" ")),
        ("retention", format!("{:?}", it.retention)),
        ("storage", format!("{:?}", it.storage)),
        ("num_replicas", it.num_replicas.to_string()),
        ("discard", format!("{:?}", it.discard)),
        ("max_messages", limit(it.max_messages)),
        (
            "max_messages_per_subject",
            limit(it.max_messages_per_subject),
        ),
        ("max_bytes", limit(it.max_bytes)),
        ("max_age", age(it.max_age)),
        ("max_message_size", limit(it.max_message_size.into())),
        ("duplicate_window", format!("{:?}", it.duplicate_window)),
        ("no_ack", it.no_ack.to_string()),
        ("sealed", it.sealed.to_string()),
        ("mirror", it.mirror.is_some().to_string()),
        (
            "sources",
            it.sources
                .as_ref()
                .is_some_and(|it| !it.is_empty())
                .to_string(),
        ),
        ("republish", it.republish.is_some().to_string()),
        (
            "subject_transform",
            it.subject_transform.is_some().to_string(),
        ),
    ]
}

fn differ(
    what: String,
    fields: impl IntoIterator<Item = (Field, Field)>,
) -> Result<(), StreamError> {
    match fields.into_iter().find(|(wanted, found)| wanted != found) {
        None => Ok(()),
        Some(((field, wanted), (_, found))) => Err(StreamError::Changed {
            what,
            field,
            wanted,
            found,
        }),
    }
}
