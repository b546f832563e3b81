//! What else can happen to a slot: repeats, crashes, other people's ports, the end.

use std::time::Duration;

use runner::target::{ApplyError, Condition, Target as _};

use crate::client::{Client, get, version};
use crate::place::{Place, kill, slot};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_run_applied_many_times_is_one_process() {
    let place = Place::new();
    let target = place.open().await;
    let desired = place.version("1");
    let all = (0..20).map(|_| target.apply(desired.clone()));
    let all = futures::future::join_all(all).await;
    let first = all[0].clone().unwrap();
    for running in all {
        assert_eq!(running.unwrap(), first);
    }
    assert_eq!(place.processes(), [first.pid]);
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applying_goes_on_when_nobody_waits_for_it() {
    let place = Place::new();
    let target = place.open().await;
    let desired = place.version("1");
    let impatient = tokio::time::timeout(Duration::from_millis(1), target.apply(desired.clone()));
    let _gave_up = impatient.await;
    let running = target.apply(desired).await.unwrap();
    assert_eq!(place.processes(), [running.pid]);
    assert_eq!(version(running.port).await, "1");
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_dies_is_started_again_and_nobody_is_refused() {
    let place = Place::new();
    let target = place.open().await;
    let running = target.apply(place.version("1")).await.unwrap();
    let mut kept = Client::connect(running.port).await.unwrap();
    kept.get("/version").await.unwrap();
    kill(running.pid);
    // Whether the death was noticed already or not.
    assert_eq!(kept.get("/version").await.unwrap(), (200, "1".into()));
    assert_eq!(version(running.port).await, "1");
    let seen = target.observe(slot()).await;
    assert_eq!(seen.condition, Condition::Current, "{}", seen.message);
    assert_ne!(seen.pid, Some(running.pid));
    let again = target.apply(place.version("1")).await.unwrap();
    assert_eq!(Some(again.pid), seen.pid);
    place.only(&[again.pid]).await;
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_keeps_dying_is_told_and_can_be_replaced() {
    let place = Place::new();
    let target = place.open().await;
    let mut desired = place.version("1");
    let running = target.apply(desired.clone()).await.unwrap();
    // From now on it cannot start any more.
    let data = place.dir.path().join("data/rootfs");
    let file = data.join(desired.digest.hex()).join("app/version");
    std::fs::remove_file(&file).unwrap();
    kill(running.pid);
    let told = async {
        loop {
            let seen = target.observe(slot()).await;
            if seen.condition == Condition::Failed {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .unwrap();
    assert!(
        seen.message.contains("exited with status 1"),
        "{}",
        seen.message
    );
    assert_eq!(seen.pid, None);
    desired = place.version("2");
    let running = target.apply(desired).await.unwrap();
    assert_eq!(version(running.port).await, "2");
    place.only(&[running.pid]).await;
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_started_ends_with_it() {
    let place = Place::new();
    let target = place.open().await;
    let script = "sleep 300 & setsid sleep 300 & exec /bin/sh -c 'sleep 300'";
    let mut desired = place.desired("1", place.script(script));
    desired.health.deadline = Duration::from_millis(500);
    target.apply(desired).await.unwrap_err();
    place.only(&[]).await;
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_of_somebody_else_is_not_taken() {
    let place = Place::new();
    let target = place.open().await;
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let mut desired = place.version("1");
    desired.public_port = Some(port);
    let error = target.apply(desired.clone()).await.unwrap_err();
    assert!(matches!(error, ApplyError::Failed { .. }));
    assert!(
        error.to_string().contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );
    drop(other);
    let running = target.apply(desired.clone()).await.unwrap();
    assert_eq!((running.port, version(port).await), (port, "1".into()));

    // Another port for the same application: both answer while the old one drains.
    let second = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let moved = second.local_addr().unwrap().port();
    drop(second);
    desired = place.version("2");
    desired.public_port = Some(moved);
    let running = target.apply(desired).await.unwrap();
    assert_eq!((running.port, version(moved).await), (moved, "2".into()));
    place.only(&[running.pid]).await;
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_not_first_at_its_port_gets_another_one() {
    let place = Place::new();
    let target = place.open().await;
    // Whoever was first has ended when it is looked at.
    let script = "if [ -e first ]; then echo \"$PORT, not $(cat first)\"; exit 3; fi
        echo $PORT > first; echo 'cannot listen: Address already in use (os error 98)'; exit 1";
    let digest = place.script(script);
    let error = target.apply(place.desired("1", digest)).await.unwrap_err();
    let ApplyError::Failed { message, output } = error else {
        panic!("{error}");
    };
    assert!(message.contains("exited with status 3"), "{message}");
    let (second, first) = output.split_once(", not ").unwrap();
    assert_ne!(second, first);
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn environment_and_working_directory_are_those_of_the_image() {
    let place = Place::new();
    let target = place.open().await;
    let digest = place.script("env | sort; echo \"in $(pwd)\"; exit 1");
    let error = target
        .apply(place.desired("1", digest.clone()))
        .await
        .unwrap_err();
    let ApplyError::Failed { output, .. } = error else {
        panic!("{error}");
    };
    let names: Vec<&str> = output
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .filter(|name| !["_", "PWD", "OLDPWD", "SHLVL"].contains(name))
        .collect();
    let expected = "GREETING PATH PORT TOWPATH_DIGEST TOWPATH_INSTANCE TOWPATH_OWNER TOWPATH_PORT \
        TOWPATH_RUN TOWPATH_SLOT";
    assert_eq!(names.join(" "), expected);
    let rootfs = place.dir.path().join("data/rootfs").join(digest.hex());
    assert!(
        output.ends_with(&format!("in {}", rootfs.display())),
        "{output}"
    );
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_slot_is_gone_and_stays_gone() {
    let place = Place::new();
    let target = place.open().await;
    let running = target.apply(place.version("1")).await.unwrap();
    target.stop(slot()).await.unwrap();
    target.stop(slot()).await.unwrap();
    assert_eq!(target.observe(slot()).await.condition, Condition::NotFound);
    assert!(get(running.port, "/").await.is_err());
    place.only(&[]).await;
    target.shutdown(false).await;
    let target = place.open().await;
    assert_eq!(target.observe(slot()).await.condition, Condition::NotFound);
    let again = target.apply(place.version("1")).await.unwrap();
    assert_eq!(version(again.port).await, "1");
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_what_is_starting() {
    let place = Place::new();
    let target = std::sync::Arc::new(place.open().await);
    let desired = place.desired("1", place.script("sleep 300"));
    let applying = tokio::spawn({
        let target = std::sync::Arc::clone(&target);
        async move { target.apply(desired).await }
    });
    while place.processes().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    target.stop(slot()).await.unwrap();
    let error = applying.await.unwrap().unwrap_err();
    assert!(matches!(error, ApplyError::Broke { .. }), "{error}");
    place.only(&[]).await;
}
