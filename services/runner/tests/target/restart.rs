//! Ends and new beginnings of the target itself, orderly and by `kill -9`: the processes are
//! taken over, and in the end there is one per slot.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ids::Uuid;
use oci::Layout;
use runner::target::{Condition, Target as _};
use tokio::time::Instant;

use crate::client::{Client, version};
use crate::place::{Place, slot};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_left_running_is_taken_over_at_once() {
    let place = Place::new();
    let target = place.open().await;
    let before = target.apply(place.version("1")).await.unwrap();
    target.shutdown(true).await;
    drop(target);
    assert!(Client::connect(before.port).await.is_err());
    let begun = Instant::now();
    let target = place.open().await;
    assert_eq!(version(before.port).await, "1");
    let took = begun.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    let after = target.apply(place.version("1")).await.unwrap();
    assert_eq!((after.pid, after.port), (before.pid, before.port));
    assert!(after.adopted && !before.adopted);
    let next = target.apply(place.version("2")).await.unwrap();
    assert_eq!(version(before.port).await, "2");
    place.only(&[next.pid]).await;
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ended_is_started_again() {
    let place = Place::new();
    let target = place.open().await;
    let before = target.apply(place.version("1")).await.unwrap();
    place.close(target).await;
    let target = place.open().await;
    // No apply: the slot remembers.
    assert_eq!(version(before.port).await, "1");
    let seen = target.observe(slot()).await;
    assert_eq!(seen.condition, Condition::Current, "{}", seen.message);
    assert_ne!(seen.pid, Some(before.pid));
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_at_a_restart_is_waited_for() {
    let place = Place::new();
    let target = place.open().await;
    let before = target.apply(place.version("1")).await.unwrap();
    target.shutdown(true).await;
    drop(target);
    let other = std::net::TcpListener::bind(("127.0.0.1", before.port)).unwrap();
    let target = place.open().await;
    let seen = target.observe(slot()).await;
    assert_eq!(seen.condition, Condition::Failed);
    assert!(seen.message.contains("cannot listen"), "{}", seen.message);
    drop(other);
    let served = async {
        while Client::connect(before.port).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), served)
        .await
        .unwrap();
    assert_eq!(version(before.port).await, "1");
    assert_eq!(place.processes(), [before.pid]);
    place.close(target).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_slot_file_costs_nothing_when_the_run_is_applied_again() {
    let place = Place::new();
    let target = place.open().await;
    let before = target.apply(place.version("1")).await.unwrap();
    target.shutdown(true).await;
    drop(target);
    let file = place.dir.path().join(format!("data/slots/{}.json", slot()));
    std::fs::write(file, "").unwrap();
    let target = place.open().await;
    let after = target.apply(place.version("1")).await.unwrap();
    assert_eq!((after.pid, after.adopted), (before.pid, true));
    place.only(&[after.pid]).await;
    place.close(target).await;
}

const OWNER: &str = "TOWPATH_TEST_OWNER";

/// Owns a target in a process of its own: applies one version after another for ever.
fn own(argument: &str) -> ! {
    let (dir, rest) = argument.split_once('|').unwrap();
    let (instance, from) = rest.split_once('|').unwrap();
    let place = std::mem::ManuallyDrop::new(Place {
        dir: tempfile::TempDir::new().unwrap(),
        instance: Uuid::parse_str(instance).unwrap(),
        layout: Layout::open(Path::new(dir).join("images")).unwrap(),
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let data = Path::new(dir).join("data");
        let target =
            runner::target::ProcessTarget::open(data, place.instance, Duration::from_secs(2));
        let target = target.await.unwrap();
        println!("open");
        for number in from.parse::<u32>().unwrap().. {
            let running = target
                .apply(place.version(&number.to_string()))
                .await
                .unwrap();
            println!("{number} {}", running.port);
        }
    });
    unreachable!("there is always another version")
}

#[expect(
    clippy::disallowed_methods,
    reason = "this test once more, as the process to be killed; it is killed below"
)]
fn owner(place: &Place, from: u32, test: &str) -> Child {
    let dir = place.dir.path().to_str().unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(OWNER, format!("{dir}|{}|{from}", place.instance))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A small generator (`SplitMix64`), so that a failure can be repeated.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how the owner is told that it is one"
)]
fn after_any_kill_there_is_one_process_and_it_serves() {
    if let Ok(argument) = std::env::var(OWNER) {
        own(&argument);
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(kill_and_recover());
}

async fn kill_and_recover() {
    let test = "restart::after_any_kill_there_is_one_process_and_it_serves";
    let place = Place::new();
    let mut seed = u64::from(std::process::id());
    println!("seed {seed}");
    let mut last: Option<(u32, u16)> = None;
    for round in 1..=25_u32 {
        let mut child = owner(&place, round * 1000, test);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let opened = lines
            .by_ref()
            .map(Result::unwrap)
            .find(|line| line.ends_with("open"));
        assert!(opened.is_some(), "the owner did not open");
        let pause = next(&mut seed) % 150;
        tokio::time::sleep(Duration::from_millis(pause)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            let (number, port) = line.split_once(' ').unwrap();
            last = Some((number.parse().unwrap(), port.parse().unwrap()));
        }
    }
    // The last one to come cleans up behind all of them.
    let target = place.open().await;
    let (number, port) = last.expect("no owner got so far as to apply anything");
    let served: u32 = version(port).await.parse().unwrap();
    // The last word may have been lost between the switch and the report.
    assert!(served >= number, "{served} serves after {number}");
    let seen = target.observe(slot()).await;
    assert_eq!(seen.condition, Condition::Current, "{}", seen.message);
    place.only(&[seen.pid.unwrap()]).await;
    place.close(target).await;
}
