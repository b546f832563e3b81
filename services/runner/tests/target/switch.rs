//! Switching from version to version under load: no request fails and no client sees an older
//! version after a newer one.

use std::time::Duration;

use runner::target::{ApplyError, Condition, Target as _};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, get, version};
use crate::place::{Place, slot};

const SWITCHES: u32 = 20;

/// How a client uses connections.
#[derive(Clone, Copy, Debug)]
enum Habit {
    OnePerRequest,
    OneForAll,
    /// Two that stay, used in turn with new ones: any old connection must know the new version.
    Pool,
}

/// Asks 50 times a second until told to stop; the versions in the order they were seen.
async fn ask(port: u16, habit: Habit, stop: CancellationToken) -> Vec<u32> {
    let mut seen = Vec::new();
    let mut kept = Vec::new();
    for _ in 0..2 {
        kept.push(Client::connect(port).await.unwrap());
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut turn = 0;
    while !stop.is_cancelled() {
        ticks.tick().await;
        turn += 1;
        let answer = match (habit, turn % 3) {
            (Habit::OneForAll, _) => kept[0].get("/version").await,
            (Habit::Pool, at @ (0 | 1)) => kept[at].get("/version").await,
            (Habit::OnePerRequest | Habit::Pool, _) => get(port, "/version").await,
        };
        let (status, body) = answer.unwrap_or_else(|e| panic!("{habit:?}, request {turn}: {e}"));
        assert_eq!(status, 200, "{habit:?}: {body}");
        seen.push(body.parse().unwrap());
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_request_fails_and_versions_only_grow() {
    let place = Place::new();
    let target = place.open().await;
    let first = target.apply(place.version("0")).await.unwrap();
    let stop = CancellationToken::new();
    let clients: Vec<_> = [Habit::OnePerRequest, Habit::OneForAll, Habit::Pool]
        .into_iter()
        .map(|habit| tokio::spawn(ask(first.port, habit, stop.clone())))
        .collect();
    for number in 1..=SWITCHES {
        let running = target
            .apply(place.version(&number.to_string()))
            .await
            .unwrap();
        assert_eq!(running.port, first.port);
        assert_eq!(version(first.port).await, number.to_string());
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.cancel();
    for client in clients {
        let seen = client.await.unwrap();
        assert!(seen.is_sorted(), "{seen:?}");
        assert_eq!(seen.last(), Some(&SWITCHES));
    }
    let last = target.observe(slot()).await;
    place.only(&[last.pid.unwrap()]).await;
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_healthy_leaves_the_old_one_serving() {
    let place = Place::new();
    let target = place.open().await;
    let one = target.apply(place.version("1")).await.unwrap();
    let broken = place.image("2", Some("no database at db:5432"));
    let error = target.apply(place.desired("2", broken)).await.unwrap_err();
    let ApplyError::Failed { message, output } = error else {
        panic!("{error}");
    };
    assert_eq!(message, "GET /healthz answered 500: no database at db:5432");
    assert!(output.contains("2 listens on"), "{output}");
    assert_eq!(version(one.port).await, "1");
    let seen = target.observe(slot()).await;
    assert_eq!(seen.condition, Condition::Current, "{}", seen.message);
    assert_eq!(
        (seen.version.as_deref(), seen.pid),
        (Some("1"), Some(one.pid))
    );
    place.only(&[one.pid]).await;

    let three = target.apply(place.version("3")).await.unwrap();
    assert_eq!(
        (three.port, version(three.port).await),
        (one.port, "3".into())
    );
    place.only(&[three.pid]).await;
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_exits_fails_at_once_with_what_it_said() {
    let place = Place::new();
    let target = place.open().await;
    let digest = place.script("echo starting; echo 'no such table: users' >&2; exit 3");
    let begun = tokio::time::Instant::now();
    let error = target.apply(place.desired("1", digest)).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    let ApplyError::Failed { message, output } = error else {
        panic!("{error}");
    };
    assert!(message.contains("exited with status 3"), "{message}");
    assert_eq!(output, "starting\nno such table: users");
    let seen = target.observe(slot()).await;
    assert_eq!(seen.condition, Condition::Failed);
    assert!(seen.message.contains("status 3"), "{}", seen.message);
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_never_listens_fails_at_its_deadline() {
    let place = Place::new();
    let target = place.open().await;
    let mut desired = place.desired("1", place.script("sleep 60 & wait"));
    desired.health.deadline = Duration::from_millis(300);
    let error = target.apply(desired).await.unwrap_err();
    assert!(
        error.to_string().contains("not healthy within 300ms"),
        "{error}"
    );
    assert!(error.to_string().contains("told in PORT"), "{error}");
    place.only(&[]).await;
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_that_cannot_run_fail_and_missing_ones_may_be_tried_again() {
    let place = Place::new();
    let target = place.open().await;
    let nothing = place
        .layout
        .write_image(&oci::ImageSpec::default())
        .unwrap();
    let error = target.apply(place.desired("1", nothing)).await.unwrap_err();
    assert!(matches!(error, ApplyError::Failed { .. }), "{error}");
    let missing = ids::Digest::of(b"missing");
    let error = target.apply(place.desired("2", missing)).await.unwrap_err();
    assert!(matches!(error, ApplyError::Broke { .. }), "{error}");
    assert!(
        error.to_string().contains("is not in the image layout"),
        "{error}"
    );
    let seen = target.observe(slot()).await;
    assert_eq!(seen.condition, Condition::Unknown, "{}", seen.message);
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_connections_are_served_and_follow_a_switch() {
    let place = Place::new();
    let target = place.open().await;
    let port = target.apply(place.version("1")).await.unwrap().port;
    let mut clients = Vec::new();
    for _ in 0..1000 {
        clients.push(Client::connect(port).await.unwrap());
    }
    for expected in ["1", "2"] {
        target.apply(place.version(expected)).await.unwrap();
        let asked = clients.into_iter().map(|mut client| async move {
            let answer = client.get("/version").await.unwrap();
            assert_eq!(answer, (200, expected.to_owned()));
            client
        });
        clients = futures::future::join_all(asked).await;
    }
    place.close(target).await;
}
