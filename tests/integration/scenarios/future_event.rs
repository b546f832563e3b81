//! An event that only a newer version knows: what it happened to is left alone, by name, and
//! everything else goes on.

use std::fmt::Write as _;

use prost::Message as _;
use proto::log::v1::{Commit, EventRecord};
use sha2::{Digest as _, Sha256};
use tonic::Code;

use crate::harness::{Report, World};

fn hex(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in bytes {
        write!(hex, "{byte:02x}").expect("writing to a string cannot fail");
    }
    hex
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = (0..hex.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

/// Appends what a newer version would, in the stored form that is documented.
async fn plant(world: &World, kind: &str, id: &str, event: &str) {
    let log = world.database("log.db");
    let id = id.replace('-', "");
    let last = log
        .run(&format!(
            "SELECT version, hex(hash), hex(bytes) FROM commits
             WHERE kind = '{kind}' AND hex(id) = '{}' ORDER BY version DESC LIMIT 1;",
            id.to_uppercase()
        ))
        .await;
    let parts: Vec<_> = last[0].split('|').collect();
    let before = Commit::decode(bytes(parts[2]).as_slice()).unwrap();
    let prev_hash = bytes(parts[1]);
    let commit = Commit {
        version: before.version + 1,
        commit_id: vec![7; 16].into(),
        prev_hash: prev_hash.clone().into(),
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
        .chain_update(&prev_hash)
        .chain_update(&sealed)
        .finalize();
    log.run(&format!(
        "INSERT INTO commits (kind, id, version, commit_id, hash, bytes)
         VALUES ('{kind}', X'{id}', {}, X'{}', X'{}', X'{}');",
        commit.version,
        hex(&[7; 16]),
        hex(&hash),
        hex(&sealed)
    ))
    .await;
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
