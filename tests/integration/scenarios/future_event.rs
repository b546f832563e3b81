//! An event that only a newer version knows: what it happened to is left alone, by name, and
//! everything else goes on.

use std::time::Duration;

use prost::Message as _;
use proto::log::v1::{Commit, EventRecord};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};
use tonic::Code;

use crate::harness::{Raw, Report, World, releases};

/// Appends what a newer version would, in the stored form that is documented.
async fn plant(world: &World, kind: &str, id: &str, event: &str) {
    let mut commit_id = [7; 16];
    commit_id[..3].copy_from_slice(&kind.as_bytes()[..3]);
    let last = world.last_stored(kind, Some(id)).await.unwrap();
    let before = Commit::decode(last.bytes.as_slice()).unwrap();
    let commit = Commit {
        version: before.version + 1,
        commit_id: commit_id.to_vec().into(),
        prev_hash: last.hash.clone().into(),
        events: vec![EventRecord {
            kind: event.to_owned(),
            schema: 1,
            payload: vec![].into(),
        }],
        ..before
    };
    let sealed = commit.encode_to_vec();
    let hash = Sha256::new()
        .chain_update(b"towpath.commit.v1\0")
        .chain_update(&last.hash)
        .chain_update(&sealed)
        .finalize();
    let raw = Raw {
        hash: hash.to_vec(),
        bytes: sealed,
        ..last
    };
    world.store(&raw, &commit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_newer_version_stops_only_what_it_happened_to_sqlite3_shell() {
    let world = World::of(["api", "mail"]).await;
    let server = world.start().await;
    let image = world.image("api", "1.0.0").await;
    let api = server.deployed(&Report::of("api", "1.0.0", &image)).await;
    let mail = world.image("mail", "1.0.0").await;
    server.deployed(&Report::of("mail", "1.0.0", &mail)).await;
    server.api().quiet().await;
    server.stop().await;
    plant(
        &world,
        "deployment",
        &api,
        "towpath.delivery.v1.DeploymentBlessed",
    )
    .await;

    let server = world.start().await;
    // Named: the projector that stopped, and what is left alone.
    let status = loop {
        let status = world.json(&["status"]).await;
        if status["set_aside"]
            .as_array()
            .is_some_and(|it| !it.is_empty())
        {
            break status;
        }
    };
    let text = status.to_string();
    for part in [
        "projection `deployments` stopped",
        "DeploymentBlessed",
        &format!("cd-manager: deployment:{api}"),
    ] {
        assert!(text.contains(part), "no {part} in {status:#}");
    }
    let explanation = world.explain(&api).await;
    assert_eq!(explanation["waiting"][0]["on"], "unknown-event");

    // Commands on it are refused.
    let refused = world.cli(&["deployments", "retry", &api]).await;
    assert_eq!(refused.code, 1, "{refused}");
    assert!(refused.stderr.contains("error[unknown-event]"), "{refused}");
    assert!(refused.stderr.contains("warning[stale]"), "{refused}");
    let answer = server.api().explain(&api).await.map(|it| it.state);
    assert_eq!(
        answer.map_err(|it| it.status),
        Ok::<_, Code>("SUCCESS".to_owned())
    );

    // Everything else goes on, to its end.
    let next = world.image("mail", "1.1.0").await;
    let next = server.deploy(&Report::of("mail", "1.1.0", &next)).await;
    let done = |it: &proto::delivery::v1::ExplainResponse| it.state == "SUCCESS";
    let story = server.api().explained(&next, done).await;
    assert!(story.timeline.iter().any(|it| it.event == "RunSucceeded"));
    // So does the other application's next version.
    let other = world.image("api", "2.0.0").await;
    let other = server.deploy(&Report::of("api", "2.0.0", &other)).await;
    server.api().explained(&other, done).await;
    server.stop().await;
    world.cli(&["log", "verify"]).await.ok();
}

/// A track on which every role has something to say of one release.
const TRACK: &str = "\
apiVersion: lowops.manifests.v1
kind: ReleaseTrack
metadata: { name: main, organizational-unit: shop }
spec:
  preReleaseStages:
    - environments: [development]
  releaseStages:
    - environments: [staging]
      approvalPolicy: { stakeholder: { groupEmail: qa } }
---
apiVersion: lowops.manifests.v1
kind: ApplicationSet
metadata: { name: storefront, release-track: main, organizational-unit: shop }
";

/// An aggregate of a kind that the log holds.
async fn any_of(world: &World, kind: &str) -> String {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = world.last_stored(kind, None).await {
            return found.id;
        }
        assert!(Instant::now() < end, "there is no {kind}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_says_in_status_what_it_leaves_alone_sqlite3_shell() {
    let (world, _) = releases(&[("track.yaml", TRACK)]).await;
    let server = world.start().await;
    let image = world.image("api", "1.0.0").await;
    server.deployed(&Report::of("api", "1.0.0", &image)).await;
    world.release("2026.11").await;
    let kinds = [
        ("deployment", "delivery", "cd-manager"),
        ("release", "release", "releaser"),
        ("approval", "approval", "approval-ledger"),
        ("changelog", "changelog", "changelog"),
        ("run", "run", "runner"),
    ];
    let mut planted = Vec::new();
    for (kind, package, role) in kinds {
        planted.push((kind, package, role, any_of(&world, kind).await));
    }
    server.api().quiet().await;
    server.stop().await;
    for (kind, package, _, id) in &planted {
        let event = format!("towpath.{package}.v1.FromTheFuture");
        plant(&world, kind, id, &event).await;
    }

    let server = world.start().await;
    let end = Instant::now() + Duration::from_secs(30);
    for (kind, _, role, _) in planted {
        let named = format!("{role}: {kind}:");
        loop {
            let status = world.json(&["status"]).await;
            let all = status["set_aside"].as_array().unwrap();
            let says = |it: &Value| it.as_str().is_some_and(|it| it.starts_with(&named));
            if all.iter().any(says) {
                break;
            }
            assert!(Instant::now() < end, "no {named} in {status:#}");
            sleep(Duration::from_millis(50)).await;
        }
    }
    server.stop().await;
}
