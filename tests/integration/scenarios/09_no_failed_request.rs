//! Whoever asks while versions change gets an answer, and never an older one than before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::Method;
use tokio::time::{MissedTickBehavior, interval};

use crate::harness::{Answer, App, Connection, Manifests, Report, World, http};

const PROMOTIONS: usize = 20;
/// Two clients with one request per 40 ms are 50 requests/s.
const EVERY: Duration = Duration::from_millis(40);

/// How a client connects.
#[derive(Debug, Clone, Copy)]
enum Client {
    /// Anew for every request.
    Fresh,
    /// Once, and again only after the server has closed an idle connection.
    KeepAlive,
}

fn version(at: usize) -> String {
    format!("1.0.{at}")
}

fn number(answer: &Answer) -> usize {
    let text = answer.text();
    let number = text
        .trim()
        .strip_prefix("1.0.")
        .and_then(|it| it.parse().ok());
    number.unwrap_or_else(|| panic!("no version: {} {text}", answer.status))
}

/// Asks until told to stop; gives the number of answers and whatever was no answer.
async fn ask(client: Client, address: String, stop: Arc<AtomicBool>) -> (usize, Vec<String>) {
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut answers, mut failures, mut newest) = (0, Vec::new(), 0);
    let mut kept: Option<Connection> = None;
    while !stop.load(Ordering::Relaxed) {
        tick.tick().await;
        let answer = match client {
            Client::Fresh => http(&address, Method::GET, "/version", &[], Vec::new()).await,
            Client::KeepAlive => on(&mut kept, &address).await,
        };
        match answer {
            Ok(answer) if answer.status == 200 => {
                let served = number(&answer);
                if served < newest {
                    failures.push(format!("{client:?}: {served} was served after {newest}"));
                }
                newest = served;
                answers += 1;
            }
            other => failures.push(format!("{client:?}: {other:?}")),
        }
    }
    (answers, failures)
}

async fn on(kept: &mut Option<Connection>, address: &str) -> Result<Answer, String> {
    let usable = match kept {
        Some(connection) => connection.is_usable().await,
        None => false,
    };
    if !usable {
        *kept = Some(Connection::open(address).await?);
    }
    let connection = kept.as_mut().expect("it was just opened");
    connection
        .send(Method::GET, "/version", &[], Vec::new())
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_promotions_under_fifty_requests_a_second_fail_none_of_them() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    server
        .deployed(&Report::of(
            "api",
            &version(0),
            &world.image("api", &version(0)).await,
        ))
        .await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients = [Client::Fresh, Client::KeepAlive]
        .map(|it| tokio::spawn(ask(it, world.app(0).address(), Arc::clone(&stop))));
    for at in 1..=PROMOTIONS {
        let digest = world.image("api", &version(at)).await;
        server
            .deployed(&Report::of("api", &version(at), &digest))
            .await;
        // SUCCESS means: whoever asks from now on gets it.
        let served = http(
            &world.app(0).address(),
            Method::GET,
            "/version",
            &[],
            Vec::new(),
        )
        .await;
        assert_eq!(number(&served.unwrap()), at);
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        let (answers, failures) = client.await.unwrap();
        println!(
            "{answers} answers, {} failures during {PROMOTIONS} promotions",
            failures.len()
        );
        assert!(failures.is_empty(), "{failures:#?}");
        assert!(answers >= PROMOTIONS, "{answers} answers prove nothing");
    }
    assert_eq!(
        world.processes().len(),
        1,
        "the old ones have ended or are ending"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_healthy_fails_with_its_answer_and_the_old_one_stays() {
    let app = App {
        unhealthy_threshold: 2,
        ..App::named("api")
    };
    let world = World::with(
        Manifests {
            apps: vec![app],
            ..Manifests::default()
        },
        &[],
    )
    .await;
    let address = world.app(0).address();
    let served = async || {
        let answer = http(&address, Method::GET, "/version", &[], Vec::new())
            .await
            .unwrap();
        answer.text().trim().to_owned()
    };
    let server = world.start().await;
    server
        .deployed(&Report::of(
            "api",
            "1.0.0",
            &world.image("api", "1.0.0").await,
        ))
        .await;
    let before = world.processes();

    let digest = world
        .broken_image("api", "1.1.0", "the database is gone")
        .await;
    let id = server.deploy(&Report::of("api", "1.1.0", &digest)).await;
    let failed = server.api().settled(&id).await;
    assert_eq!(failed.state, "FAILED", "{failed:#?}");
    let explanation = world.explain(&id).await;
    let text = explanation.to_string();
    assert!(
        text.contains("500") && text.contains("the database is gone"),
        "{explanation:#}"
    );
    assert_eq!(served().await, "1.0.0", "the old version is still served");
    assert_eq!(
        world.processes(),
        before,
        "by the same process, and no other is left"
    );

    server
        .deployed(&Report::of(
            "api",
            "1.2.0",
            &world.image("api", "1.2.0").await,
        ))
        .await;
    assert_eq!(served().await, "1.2.0", "the next good one deploys");
    server.stop().await;
}
