//! The log on NATS beside bare JetStream: guarded appends, and reading from the beginning.

use std::time::Duration;

use anyhow::{Result, ensure};
use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use eventlog::nats::{self, NatsLog, Options};
use eventlog::{Draft, EventLog as _, EventRecord, Head, Item, Position, SealedCommit};
use futures::StreamExt as _;
use futures::future::join_all;
use ids::{AggregateId, CommitId, Uuid};
use testkit::nats::Setup;
use tokio::time::Instant;

use super::story::identity;
use crate::figure::{Figure, Goal, Unit};
use crate::ground::{Ground, NOW_US};
use crate::samples::rate;

/// Aggregates that are written at the same time.
const WRITERS: usize = 32;

/// Bytes of an event.
const PAYLOAD: usize = 300;

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>> {
    let setup = Setup {
        name: "bench".to_owned(),
        dir: ground.room("jetstream")?,
        port: testkit::ports::free(1)[0],
        monitor: 0,
        cluster: None,
        synced: false,
        more: String::new(),
    };
    let server = testkit::nats::start(&testkit::nats::find()?, &setup)?;
    let url = format!("nats://127.0.0.1:{}", setup.port);
    let options = Options::new(&url);
    let fresh = identity();
    nats::create(&options, &fresh).await?;
    let log = NatsLog::open(&options).await?;
    let bare = Bare::open(&url).await?;
    let rounds = ground.pick(600, 60);
    let appended = append(&log, &bare, rounds).await?;
    let replayed = replay(&log, &bare, rounds * WRITERS).await?;
    log.close().await;
    drop(server);
    Ok(vec![appended, replayed])
}

async fn append(log: &NatsLog, bare: &Bare, rounds: usize) -> Result<Figure> {
    let epoch = identity().epoch;
    let mut heads = vec![Head::NONE; WRITERS];
    let (mut ours, mut floor) = (Duration::ZERO, Duration::ZERO);
    for round in 0..rounds {
        let commits: Vec<_> = heads
            .iter()
            .enumerate()
            .map(|(writer, head)| SealedCommit::seal(draft(writer, round), head, epoch))
            .collect();
        let began = Instant::now();
        for appended in join_all(commits.iter().map(|it| log.append(it))).await {
            appended?;
        }
        ours += began.elapsed();
        heads = commits.iter().map(SealedCommit::head).collect();
        let began = Instant::now();
        let sent = commits.iter().enumerate();
        for acknowledged in join_all(sent.map(|(n, it)| bare.publish(n, it.bytes()))).await {
            acknowledged?;
        }
        floor += began.elapsed();
    }
    let commits = rounds * WRITERS;
    Ok(Figure::new(
        "guarded append to JetStream",
        rate(commits, ours),
        Unit::CommitsPerS,
    )
    .floor(
        "the same bytes published, each acknowledged",
        rate(commits, floor),
    )
    .goal(Goal::PartOfFloor(0.8))
    .gates()
    .note(format!("{commits} commits, {WRITERS} at a time, in turns")))
}

async fn replay(log: &NatsLog, bare: &Bare, commits: usize) -> Result<Figure> {
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let began = Instant::now();
        let mut subscription = log.subscribe(Position(0)).await?;
        let mut seen = 0;
        while let Item::Commit(_) = subscription.next().await? {
            seen += 1;
        }
        ours.push(began.elapsed());
        ensure!(
            seen == commits,
            "{seen} commits were read, and not {commits}"
        );
        floors.push(bare.consume(commits).await?);
    }
    ours.sort_unstable();
    floors.sort_unstable();
    Ok(Figure::new(
        "replay from JetStream into memory",
        rate(commits, ours[1]),
        Unit::EventsPerS,
    )
    .floor(
        "a bare consumer of the same bytes",
        rate(commits, floors[1]),
    )
    .goal(Goal::PartOfFloor(0.7))
    .note(format!(
        "{commits} commits, each hash computed; the middle of three"
    )))
}

fn draft(writer: usize, round: usize) -> Draft {
    let id = (writer as u128) << 64 | round as u128;
    Draft {
        aggregate: AggregateId::new("slot", Uuid::from_u128(writer as u128)),
        commit_id: CommitId(Uuid::from_u128(id + 1)),
        recorded_at_us: NOW_US,
        actor: "bench".to_owned(),
        correlation: None,
        causation: None,
        request_hash: None,
        traceparent: None,
        events: vec![EventRecord {
            kind: "towpath.bench.v1.Happened".to_owned(),
            schema: 1,
            payload: Bytes::from(vec![b'x'; PAYLOAD]),
        }],
    }
}

/// JetStream with nothing of ours in the way.
struct Bare {
    context: async_nats::jetstream::Context,
}

impl Bare {
    async fn open(url: &str) -> Result<Self> {
        let context = async_nats::jetstream::new(async_nats::connect(url).await?);
        context
            .create_stream(Config {
                name: "BARE".to_owned(),
                subjects: vec!["bare.>".to_owned()],
                ..Config::default()
            })
            .await?;
        Ok(Self { context })
    }

    async fn publish(&self, writer: usize, bytes: &Bytes) -> Result<()> {
        let subject = format!("bare.slot.{writer:032x}");
        let sent = self.context.publish(subject, bytes.clone()).await?;
        sent.await?;
        Ok(())
    }

    async fn consume(&self, messages: usize) -> Result<Duration> {
        let began = Instant::now();
        let consumer = self
            .context
            .create_consumer_on_stream(
                pull::Config {
                    ack_policy: AckPolicy::None,
                    memory_storage: true,
                    ..pull::Config::default()
                },
                "BARE",
            )
            .await?;
        let mut stream = consumer
            .stream()
            .max_messages_per_batch(512)
            .messages()
            .await?;
        for _ in 0..messages {
            if let Some(message) = stream.next().await {
                drop(message?);
            }
        }
        Ok(began.elapsed())
    }
}
