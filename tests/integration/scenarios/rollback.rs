//! Going back takes one command, and nothing runs over it.

use hyper::Method;

use crate::harness::{Report, Server, World, http};

async fn served(world: &World) -> String {
    let address = world.app(0).address();
    let answer = http(&address, Method::GET, "/version", &[], Vec::new())
        .await
        .unwrap();
    answer.text().trim().to_owned()
}

async fn world() -> (World, Server) {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        let digest = world.image("api", version).await;
        server.deployed(&Report::of("api", version, &digest)).await;
    }
    (world, server)
}

const ROLLBACK: [&str; 6] = [
    "rollback",
    "api",
    "--env",
    "development",
    "--reason",
    "mails twice",
];

#[tokio::test(flavor = "multi_thread")]
async fn one_command_returns_to_the_version_before_and_holds_the_slot() {
    let (world, server) = world().await;
    let tip = world.remote.tip().await;
    let dry = world.json(&[&ROLLBACK[..], &["--dry-run"]].concat()).await;
    assert_eq!(dry["dry_run"], true, "{dry}");
    let diff = dry["diff"].as_str().unwrap();
    assert!(diff.contains("1.2.0") && diff.contains("1.1.0"), "{diff}");
    assert_eq!(world.remote.tip().await, tip, "a dry run writes nothing");

    let done = world.json(&ROLLBACK).await;
    assert_eq!(
        (&done["from_version"], &done["to_version"]),
        (&"1.2.0".into(), &"1.1.0".into())
    );
    let id = done["deployment_id"].as_str().unwrap();
    let deployment = server.api().succeeded(id).await;
    assert_eq!(deployment.kind, "ROLLBACK", "{deployment:#?}");
    assert_eq!(served(&world).await, "1.1.0");
    let commits = world.remote.trailers("Towpath-Deployment").await;
    assert_eq!((commits.len(), commits[0].1.as_str()), (4, id));

    // The next build waits until somebody releases the hold.
    let next = server
        .deploy(&Report::of(
            "api",
            "1.3.0",
            &world.image("api", "1.3.0").await,
        ))
        .await;
    let is_held =
        |it: &proto::delivery::v1::ExplainResponse| it.waiting.iter().any(|it| it.on == "hold");
    server.api().explained(&next, is_held).await;
    assert_eq!(served(&world).await, "1.1.0");
    let hold = done["hold_id"].as_str().unwrap();
    world
        .cli(&["hold", "release", hold, "--reason", "mended"])
        .await
        .ok();
    server.api().succeeded(&next).await;
    assert_eq!(served(&world).await, "1.3.0");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_version_that_ran_there_can_be_named_and_no_other() {
    let (world, server) = world().await;
    let done = world
        .json(&[&ROLLBACK[..], &["--to", "1.0.0"]].concat())
        .await;
    server
        .api()
        .succeeded(done["deployment_id"].as_str().unwrap())
        .await;
    assert_eq!(served(&world).await, "1.0.0");
    let tip = world.remote.tip().await;
    let never = world
        .cli(&[&ROLLBACK[..], &["--to", "0.9.0"]].concat())
        .await;
    assert_eq!(never.code, 1, "{never}");
    assert!(
        never.stderr.starts_with("error[never-ran-there]: "),
        "{never}"
    );
    assert_eq!(world.remote.tip().await, tip);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_gone_is_refused_before_anything_is_written() {
    let (world, server) = world().await;
    let tip = world.remote.tip().await;
    std::fs::rename(world.root().join("images"), world.root().join("gone")).unwrap();
    let refused = world.cli(&ROLLBACK).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(
        refused.stderr.starts_with("error[image-gone]: "),
        "{refused}"
    );
    assert_eq!(world.remote.tip().await, tip);
    assert_eq!(served(&world).await, "1.2.0");
    std::fs::rename(world.root().join("gone"), world.root().join("images")).unwrap();
    let done = world.json(&ROLLBACK).await;
    server
        .api()
        .succeeded(done["deployment_id"].as_str().unwrap())
        .await;
    assert_eq!(served(&world).await, "1.1.0");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_finishes_a_rollback() {
    let (world, server) = world().await;
    let done = world.json(&ROLLBACK).await;
    server.kill9().await;
    let server = world.start().await;
    server
        .api()
        .succeeded(done["deployment_id"].as_str().unwrap())
        .await;
    assert_eq!(served(&world).await, "1.1.0");
    assert_eq!(world.remote.trailers("Towpath-Deployment").await.len(), 4);
    assert_eq!(world.processes().len(), 1);
    server.stop().await;
}
