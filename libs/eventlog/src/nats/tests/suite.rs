//! The conformance suite against real servers: the cases of one back end share its servers, each
//! has a stream of its own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::StreamExt as _;

use super::*;
use crate::conformance::{Stand, cases};
use crate::log::{EventLog, LogIdentity, Position};
use crate::nats::restore;

/// Cases at the same time.
const AT_ONCE: usize = 4;

struct OnNats {
    options: Options,
    log: Mutex<NatsLog>,
}

impl OnNats {
    fn current(&self) -> NatsLog {
        let log = self.log.lock();
        log.expect("no test panics while it holds this").clone()
    }

    async fn renew(&self) -> Result<NatsLog, Trouble> {
        let log = NatsLog::open(&self.options).await?;
        *self.log.lock().expect("no test panics while it holds this") = log.clone();
        Ok(log)
    }
}

#[async_trait]
impl Stand for OnNats {
    fn log(&self) -> Arc<dyn EventLog> {
        Arc::new(self.current())
    }

    async fn reopen(&self) -> Result<Arc<dyn EventLog>, Trouble> {
        self.current().close().await;
        Ok(Arc::new(self.renew().await?))
    }

    async fn raise_epoch(&self) -> Result<u32, Trouble> {
        let old = self.current();
        let before = old.identity().await?;
        let commits = old.read(Position(0), 10_000).await?;
        let commits = commits.into_iter().map(|it| Ok(it.commit));
        let next = LogIdentity {
            epoch: before.epoch + 1,
            ..before
        };
        restore(&self.options, &next, futures::stream::iter(commits)).await?;
        self.renew().await?;
        Ok(next.epoch)
    }
}

/// Runs every case and names those that fail.
async fn all_cases(backend: &str, servers: &Servers) {
    let cases = cases();
    let names: BTreeSet<_> = cases.iter().map(|it| it.0).collect();
    assert_eq!(names.len(), cases.len(), "each name once");
    assert!(names.len() >= 55, "{} cases", names.len());
    let runs = cases.into_iter().map(|(name, case)| {
        let options = fresh(servers);
        async move {
            let started = tokio::time::Instant::now();
            let run = tokio::spawn(async move {
                let log = Mutex::new(opened(&options).await?);
                case(Arc::new(OnNats { options, log })).await
            });
            let failure = match run.await {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(panicked) => Some(panicked.to_string()),
            };
            let ms = started.elapsed().as_millis();
            match &failure {
                None => println!("{backend} {name} ok {ms} ms"),
                Some(why) => println!("{backend} {name} FAILED {ms} ms: {why}"),
            }
            (name, failure)
        }
    });
    let ran: Vec<_> = futures::stream::iter(runs)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let passed: BTreeSet<_> = ran
        .iter()
        .filter(|it| it.1.is_none())
        .map(|it| it.0)
        .collect();
    let failed: Vec<_> = ran.iter().filter(|it| it.1.is_some()).collect();
    assert!(failed.is_empty(), "{backend}: {failed:#?}");
    assert_eq!(passed, names, "{backend}");
    println!("{backend}: {} cases", passed.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_2_15_r1_passes_every_case() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 1, "")?;
    all_cases("nats-2.15-R1", &servers).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_2_15_r3_passes_every_case() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Current, 3, "")?;
    all_cases("nats-2.15-R3", &servers).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_2_9_10_r1_passes_every_case() -> Result<(), Trouble> {
    let servers = Servers::start(Kind::Old, 1, "")?;
    all_cases("nats-2.9.10-R1", &servers).await;
    Ok(())
}
