//! What succeeded last runs, whatever the disk of the machine remembers and whatever went wrong
//! when it was started.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use hyper::Method;
use tokio::time::Instant;

use crate::harness::{Report, Server, World, http};

/// Targets are looked at every five seconds; after a failure less often.
const SOON: Duration = Duration::from_secs(40);

/// Where the slot files are: in the split each role has a directory of its own.
fn slots(world: &World) -> PathBuf {
    let places = [world.data.clone(), world.root().join("runner")];
    let mut found = places.iter().map(|it| it.join("slots"));
    let found = found.find(|it| it.is_dir());
    found.expect("the runner remembers its slots")
}

/// The only file of a slot.
fn slot_file(world: &World) -> PathBuf {
    let files = std::fs::read_dir(slots(world)).unwrap();
    let mut files: Vec<_> = files.map(|it| it.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// Which version answers, if one does.
async fn served(world: &World) -> Option<String> {
    let address = world.app(0).address();
    let answer = http(&address, Method::GET, "/version", &[], Vec::new()).await;
    answer.ok().map(|it| it.text().trim().to_owned())
}

async fn serves(world: &World, server: &Server, version: &str) {
    let limit = Instant::now() + SOON;
    while served(world).await.as_deref() != Some(version) {
        assert!(Instant::now() < limit, "{}", server.stderr());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_succeeded_last_runs_again_after_an_old_disk_and_after_a_start_that_failed() {
    let world = World::of(["api"]).await;
    let mut server = world.start().await;
    let mut old = Vec::new();
    for version in ["1.0.0", "1.1.0"] {
        let digest = world.image("api", version).await;
        server.deployed(&Report::of("api", version, &digest)).await;
        if old.is_empty() {
            old = std::fs::read(slot_file(&world)).unwrap();
        }
    }

    // The disk as it was before the last version.
    server.kill9().await;
    world.end_processes();
    std::fs::write(slot_file(&world), old).unwrap();
    server = world.start().await;
    serves(&world, &server, "1.1.0").await;

    // Nothing of the slot is left, and somebody else has its port for a while.
    server.kill9().await;
    world.end_processes();
    std::fs::remove_file(slot_file(&world)).unwrap();
    let taken = TcpListener::bind(world.app(0).address()).unwrap();
    server = world.start().await;
    let limit = Instant::now() + SOON;
    loop {
        let status = world.json(&["status"]).await;
        if status["unwell"].to_string().contains("end what uses it") {
            break;
        }
        assert!(Instant::now() < limit, "{status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(taken);
    serves(&world, &server, "1.1.0").await;
    assert_eq!(world.processes().len(), 1);
    server.stop().await;
}
