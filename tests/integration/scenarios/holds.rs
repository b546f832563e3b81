//! What is held waits and says so; what is given up is not written.

use proto::delivery::v1::ExplainResponse;
use serde_json::Value;

use crate::harness::{Report, Server, World};

fn is_held(explanation: &ExplainResponse) -> bool {
    explanation.waiting.iter().any(|it| it.on == "hold")
}

async fn world() -> (World, Server) {
    let world = World::of(["api", "shop"]).await;
    let server = world.start().await;
    for app in ["api", "shop"] {
        let digest = world.image(app, "1.0.0").await;
        server.deployed(&Report::of(app, "1.0.0", &digest)).await;
    }
    (world, server)
}

async fn hold(world: &World, arguments: &[&str]) -> String {
    let create = ["hold", "create", "--reason", "freeze"];
    let json: Value = world.json(&[&create[..], arguments].concat()).await;
    json["hold"]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{json}"))
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_stops_its_scope_and_nothing_else() {
    let (world, server) = world().await;
    for (scope, subject) in [
        ("app", "development/api"),
        ("app", "api"),
        ("environment", "development"),
        ("appset", "storefront"),
        ("all", ""),
    ] {
        let id = hold(&world, &["--scope", scope, "--subject", subject]).await;
        let version = format!("1.1.0-{scope}{}", subject.len());
        let digest = world.image("api", &version).await;
        let held = server.deploy(&Report::of("api", &version, &digest)).await;
        let explanation = server.api().explained(&held, is_held).await;
        let waiting = explanation
            .waiting
            .iter()
            .find(|it| it.on == "hold")
            .unwrap();
        assert!(waiting.why.contains("freeze"), "{waiting:#?}");
        if scope == "app" {
            let version = format!("1.1.0-{}", subject.len());
            let digest = world.image("shop", &version).await;
            server
                .deployed(&Report::of("shop", &version, &digest))
                .await;
        }
        let tip = world.remote.tip().await;
        let text = world.remote.file(&world.app(0).file()).await;
        assert!(
            !String::from_utf8(text).unwrap().contains(&version),
            "{scope} {tip}"
        );
        world.cli(&["hold", "release", &id]).await.ok();
        server.api().succeeded(&held).await;
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_runs_out_by_itself_over_a_restart() {
    let (world, server) = world().await;
    hold(&world, &["--scope", "all", "--until", "2s"]).await;
    let digest = world.image("api", "1.1.0").await;
    let id = server.deploy(&Report::of("api", "1.1.0", &digest)).await;
    let explanation = server.api().explained(&id, is_held).await;
    let waiting = explanation
        .waiting
        .iter()
        .find(|it| it.on == "hold")
        .unwrap();
    assert!(
        waiting.looked_at_us > 0,
        "it says when it is looked at again: {waiting:#?}"
    );
    server.kill9().await;
    let server = world.start().await;
    server.api().succeeded(&id).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_can_be_aborted_and_newer_takes_the_place_of_older() {
    let (world, server) = world().await;
    let freeze = hold(&world, &["--scope", "all"]).await;
    let mut ids = Vec::new();
    for version in ["1.1.0", "1.2.0", "1.3.0"] {
        let digest = world.image("api", version).await;
        ids.push(server.deploy(&Report::of("api", version, &digest)).await);
    }
    for older in &ids[..2] {
        let settled = server.api().settled(older).await;
        assert_eq!(settled.state, "SUPERSEDED", "{settled:#?}");
    }
    world
        .cli(&["deployments", "abort", &ids[2], "--reason", "not this one"])
        .await
        .ok();
    assert_eq!(server.api().settled(&ids[2]).await.state, "ABORTED");
    world.cli(&["hold", "release", &freeze]).await.ok();
    let digest = world.image("api", "1.4.0").await;
    let done = server.deployed(&Report::of("api", "1.4.0", &digest)).await;
    let late = world
        .cli(&["deployments", "abort", &done, "--reason", "too late"])
        .await;
    assert_eq!(late.code, 1, "{late}");
    assert!(late.stderr.starts_with("error[over]: "), "{late}");
    let commits = world.remote.trailers("Towpath-Deployment").await;
    assert_eq!(commits.len(), 3, "two at first, and 1.4.0: {commits:?}");
    server.stop().await;
}
