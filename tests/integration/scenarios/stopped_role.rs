//! A role that is stopped, and not ended: whoever calls it is told which one, soon.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::{Instant, timeout};

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

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_a_server_that_is_stopped_hears_of_it() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let tail = command(&world, &["log", "tail", "--follow"]);
    let mut tail = tail.spawn(Stdio::piped(), Stdio::piped());
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    lines.next_line().await.unwrap().expect("it follows");
    server.signal("cd-manager", Signal::STOP);
    let ended = timeout(Duration::from_mins(1), tail.wait_with_output()).await;
    server.signal("cd-manager", Signal::CONT);
    let ended = ended.expect("it ends").unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.starts_with("error[connection-lost]: "), "{said}");
    server.stop().await;
}
