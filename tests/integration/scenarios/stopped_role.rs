//! A role that is stopped, and not ended: whoever calls it is told which one, soon.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use super::newcomer::{command, refused};
use crate::harness::{Shape, World};

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_stopped_role_name_it_and_do_not_wait_for_long() {
    let world = World::of(["api"]).await.shaped(Shape::Split);
    let server = world.start().await;
    let list = ["release", "list"];
    command(&world, &list).run().await.ok();
    server.signal("releaser", Signal::STOP);
    for (what, limit) in [("unknown to be away", 13), ("known to be away", 5)] {
        let begun = Instant::now();
        let said = refused(command(&world, &list), 3, "role-unreachable").await;
        for part in ["`releaser`", "http://127.0.0.1:", "--role releaser"] {
            assert!(said.contains(part), "{what}: no {part} in {said}");
        }
        let took = begun.elapsed();
        assert!(
            took < Duration::from_secs(limit),
            "{what}: it took {took:?}"
        );
    }
    // What it does not own goes on; once it goes on itself, so do its calls.
    command(&world, &["approvals", "list"]).run().await.ok();
    server.signal("releaser", Signal::CONT);
    let end = Instant::now() + Duration::from_secs(30);
    while command(&world, &list).run().await.code != 0 {
        assert!(Instant::now() < end, "it does not come back");
    }
    server.stop().await;
}
