//! A broker with the streams, something that takes reports, and ways to publish and to look.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use access::Principal;
use async_nats::jetstream::{self, Context, context::PublishErrorKind};
use async_nats::{Client, HeaderMap};
use futures::StreamExt as _;
use intake::{Event, Intake, Reports};
use proto::delivery::v1::ReportBuildResponse;
use serde_json::{Value, json};
use service::SystemClock;
use service::fault::Fault;
use tokio_util::sync::CancellationToken;

use crate::broker::Broker;
use crate::people::{directory, token};

/// Nothing here takes longer, unless it never comes.
const LIMIT: Duration = Duration::from_secs(30);

/// Takes every report, after the faults it was given.
#[derive(Default)]
pub(crate) struct Book {
    taken: Mutex<Vec<(String, Event)>>,
    faults: Mutex<VecDeque<Fault>>,
}

#[async_trait::async_trait]
impl Reports for Book {
    async fn report(
        &self,
        caller: &Principal,
        event: &Event,
    ) -> Result<ReportBuildResponse, Fault> {
        let fault = self.faults.lock().unwrap().pop_front();
        if let Some(fault) = fault {
            return Err(fault);
        }
        let taken = (caller.name.clone(), event.clone());
        self.taken.lock().unwrap().push(taken);
        Ok(ReportBuildResponse::default())
    }
}

impl Book {
    /// Refuses as many reports, in this order.
    pub(crate) fn refuse(&self, faults: impl IntoIterator<Item = Fault>) {
        self.faults.lock().unwrap().extend(faults);
    }

    /// Versions that were taken of one definition, in order, each once: a broker that was killed
    /// may deliver again what it had been told is done, and a report again changes nothing.
    pub(crate) fn versions(&self, definition: &str) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        let of = taken
            .iter()
            .filter(|(_, it)| it.request.definition == definition);
        let mut versions: Vec<_> = of.map(|(_, it)| it.request.version.clone()).collect();
        versions.dedup();
        versions
    }

    pub(crate) fn count(&self) -> usize {
        self.taken.lock().unwrap().len()
    }

    pub(crate) fn callers(&self) -> Vec<String> {
        self.taken
            .lock()
            .unwrap()
            .iter()
            .map(|it| it.0.clone())
            .collect()
    }
}

/// Everything around the queue.
pub(crate) struct World {
    pub(crate) broker: Broker,
    pub(crate) client: Client,
    pub(crate) context: Context,
    pub(crate) book: Arc<Book>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let broker = Broker::start();
        let client = broker.client().await;
        intake::create(client.clone(), 1).await.unwrap();
        Self::around(broker, client)
    }

    pub(crate) fn around(broker: Broker, client: Client) -> Self {
        let context = jetstream::new(client.clone());
        Self {
            broker,
            client,
            context,
            book: Arc::default(),
        }
    }

    /// Begins to read; ends with the token, or with the test.
    pub(crate) async fn read(&self) -> CancellationToken {
        self.read_as(self.client.clone()).await
    }

    pub(crate) async fn read_as(&self, client: Client) -> CancellationToken {
        let stop = CancellationToken::new();
        let clock = Arc::new(SystemClock);
        let reports = Arc::clone(&self.book) as Arc<dyn Reports>;
        let intake = Intake::open(client, 1, directory(), clock, reports)
            .await
            .unwrap();
        let token = stop.clone();
        tokio::spawn(async move { intake.run(token).await });
        stop
    }

    /// Publishes as CI does: again and again until the broker has it.
    pub(crate) async fn publish(&self, subject: &str, name: &str, body: &[u8]) {
        let mut headers = HeaderMap::new();
        if !name.is_empty() {
            headers.insert("Authorization", format!("Bearer {}", token(name)).as_str());
        }
        let until_taken = async {
            loop {
                let body = body.to_vec().into();
                let sent = self
                    .context
                    .publish_with_headers(subject.to_owned(), headers.clone(), body)
                    .await;
                let stored = match sent {
                    Ok(stored) => stored.await,
                    Err(error) => Err(error),
                };
                match stored {
                    Ok(_) => break,
                    Err(error) if error.kind() == PublishErrorKind::Other => panic!("{error}"),
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        };
        tokio::time::timeout(LIMIT, until_taken).await.unwrap();
    }

    /// Publishes a good report.
    pub(crate) async fn report(&self, definition: &str, version: &str) {
        let body = event(definition, version).to_string();
        self.publish(&format!("tp.in.build.{definition}"), "ci", body.as_bytes())
            .await;
    }

    /// Letters, in order, once there are as many.
    pub(crate) async fn letters(&self, count: usize) -> Vec<Value> {
        eventually("the letters are there", async || {
            self.held(intake::DLQ).await >= count
        })
        .await;
        let stream = self.context.get_stream(intake::DLQ).await.unwrap();
        let config = jetstream::consumer::pull::OrderedConfig::default();
        let consumer = stream.create_consumer(config).await.unwrap();
        let messages = consumer.messages().await.unwrap().take(count);
        messages
            .map(|it| serde_json::from_slice(&it.unwrap().payload).unwrap())
            .collect()
            .await
    }

    /// How many messages a stream holds.
    pub(crate) async fn held(&self, stream: &str) -> usize {
        match self.context.get_stream(stream).await {
            Ok(it) => usize::try_from(it.cached_info().state.messages).unwrap(),
            Err(_) => usize::MAX,
        }
    }

    /// Waits until so many reports were taken and nothing waits any more.
    pub(crate) async fn settled(&self, count: usize) {
        eventually("all is answered", async || {
            self.book.count() >= count && self.held(intake::IN).await == 0
        })
        .await;
        assert_eq!(self.book.count(), count, "nothing is reported twice");
    }

    /// Waits until these versions of `api` were taken, some of them perhaps again, and nothing
    /// waits any more.
    pub(crate) async fn settled_after_kills(&self, versions: &[&str]) {
        eventually("all is answered", async || {
            self.book.versions("api") == versions && self.held(intake::IN).await == 0
        })
        .await;
    }
}

pub(crate) fn event(definition: &str, version: &str) -> Value {
    json!({
        "specversion": "1.0",
        "id": format!("{definition}-{version}"),
        "source": "https://forge.example/acme/api",
        "type": "dev.towpath.build.reported.v1",
        "datacontenttype": "application/json",
        "data": {
            "definition": definition, "container": definition, "version": version,
            "digest": format!("sha256:{:064}", 1)
        }
    })
}

/// Waits for something that has to come.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        tokio::time::timeout(LIMIT, waiting).await.is_ok(),
        "not in {LIMIT:?}: {what}"
    );
}
