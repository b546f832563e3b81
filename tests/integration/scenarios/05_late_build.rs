//! Builds arrive in any order; what runs is the newest by ancestry.

use serde_json::Value;

use crate::harness::{Report, World, http};
use hyper::Method;

fn fact<'a>(explanation: &'a Value, name: &str) -> Option<&'a str> {
    let facts = explanation["facts"].as_array().unwrap();
    facts.iter().find(|it| it["name"] == name)?["value"].as_str()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_reported_after_its_child_is_superseded_by_ancestry() {
    let world = World::of(["api"]).await;
    let sources = world.clone_of(&world.source, "developer").await;
    let parent = sources
        .commit([("file", b"parent".as_slice())], "Parent")
        .await;
    let child = sources
        .commit([("file", b"child".as_slice())], "Child")
        .await;
    sources.run(&["push", "-q", "origin", "HEAD:main"]).await;
    let server = world.start().await;
    // Version numbers say the opposite: order is never SemVer.
    let newer = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let older = Report::of("api", "2.0.0", &world.image("api", "2.0.0").await);
    let first = server.deployed(&newer.at_commit(&child)).await;
    let second = server.deploy(&older.at_commit(&parent)).await;

    let late = server.api().settled(&second).await;
    assert_eq!(
        (late.state.as_str(), late.superseded_by.as_str()),
        ("SUPERSEDED", first.as_str())
    );
    let explanation = world.explain(&second).await;
    assert_eq!(explanation["state"], "SUPERSEDED", "{explanation:#}");
    assert_eq!(
        fact(&explanation, "rule"),
        Some("first_parent"),
        "{explanation:#}"
    );
    assert_eq!(
        fact(&explanation, "superseded_by"),
        Some(first.as_str()),
        "{explanation:#}"
    );

    let served = http(
        &world.app(0).address(),
        Method::GET,
        "/version",
        &[],
        Vec::new(),
    )
    .await;
    assert_eq!(
        served.unwrap().text().trim(),
        "1.0.0",
        "development keeps the child"
    );
    let commits = world.remote.trailers("Towpath-Deployment").await;
    assert_eq!(commits.len(), 1, "{commits:?}");
    assert_eq!(commits[0].1, first);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_commits_the_later_report_is_the_newer_one() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    server
        .deployed(&Report::of(
            "api",
            "2.0.0",
            &world.image("api", "2.0.0").await,
        ))
        .await;
    let id = server
        .deployed(&Report::of(
            "api",
            "1.0.0",
            &world.image("api", "1.0.0").await,
        ))
        .await;
    let slot = world.explain("development/api").await;
    assert!(slot.to_string().contains("report_order"), "{slot:#}");
    assert_eq!(server.api().deployments().await[0].id, id);
    server.stop().await;
}
