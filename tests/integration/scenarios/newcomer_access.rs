//! What somebody stumbled over who used it for the first time: tokens, keys, and answers to
//! questions that are wrong.

use hyper::Method;
use serde_json::{Value, json};

use super::approvals;
use super::newcomer::{command, command_as, refused};
use crate::harness::{Answer, Server, World, http, releases};

async fn status_of(server: &Server, token: &str) -> (u16, String) {
    let answer = server.post(Some(token), b"{}".to_vec()).await;
    let code = answer.json()["error"]["code"].as_str().unwrap().to_owned();
    (answer.status, code)
}

/// Who is let in is told what is wrong with the body.
fn is_accepted((_, code): &(u16, String)) -> bool {
    code == "body-malformed"
}

const REVOKE: [&str; 3] = ["access", "revoke", "admin"];

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_of_an_admin_stays_revoked_after_every_restart() {
    let world = World::of(["api"]).await;
    let mut server = world.start().await;
    let leaked = server.token.clone();
    assert!(is_accepted(&status_of(&server, &leaked).await));
    let second = world.token("second", "admin").await;
    world.cli(&REVOKE).await.ok();
    let revoked = (401, "token-revoked".to_owned());
    assert_eq!(status_of(&server, &leaked).await, revoked);
    for _ in 0..2 {
        server.kill9().await;
        server = world.start().await;
        assert_ne!(server.token, leaked, "the file holds a new one");
        assert!(is_accepted(&status_of(&server, &server.token).await));
        assert!(is_accepted(&status_of(&server, &second).await));
        assert_eq!(status_of(&server, &leaked).await, revoked);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_cannot_be_revoked() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    refused(command(&world, &REVOKE), 1, "last-admin").await;
    // Neither somebody in another group nor a revoked admin can let anybody in.
    world.token("rita", "release-manager").await;
    world.token("gone", "admin").await;
    world.cli(&["access", "revoke", "gone"]).await.ok();
    let dry = command(&world, &REVOKE).args(["--dry-run"]);
    refused(dry, 1, "last-admin").await;
    refused(command(&world, &REVOKE), 1, "last-admin").await;
    assert!(is_accepted(&status_of(&server, &server.token).await));
    let second = world.token("second", "admin").await;
    world.cli(&REVOKE).await.ok();
    let own = command_as(&world, &second, &["access", "revoke", "second"]);
    refused(own, 1, "last-admin").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_who_revoke_each_other_at_once_leave_one() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let mut one = ("admin".to_owned(), server.token.clone());
    for round in 0..10 {
        let name = format!("admin-{round}");
        let create = ["--output", "json", "access", "create", &name, "--group"];
        let create = command_as(&world, &one.1, &create).args(["admin"]);
        let created: Value = serde_json::from_str(&create.run().await.ok()).unwrap();
        let other = (name, created["token"].as_str().unwrap().to_owned());
        let by_one = command_as(&world, &one.1, &["access", "revoke", &other.0]);
        let by_other = command_as(&world, &other.1, &["access", "revoke", &one.0]);
        let (by_one, by_other) = tokio::join!(by_one.run(), by_other.run());
        let done = [&by_one, &by_other].map(|it| it.code == 0);
        assert_ne!(done[0], done[1], "round {round}: {by_one}\n{by_other}");
        if by_other.code == 0 {
            one = other;
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_uses_up_no_key() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let digest = world.image("api", "1.0.0").await;
    let report = [
        "build",
        "report",
        "--definition",
        "api",
        "--container",
        "api",
        "--version",
        "1.0.0",
        "--digest",
        &digest,
        "--idempotency-key",
        "k2",
    ];
    for _ in 0..2 {
        let dry = world.json(&[&report[..], &["--dry-run"]].concat()).await;
        assert_eq!(dry["state"], "ROUTED", "{dry}");
        assert_eq!(server.api().deployments().await, []);
    }
    let done = world.json(&report).await;
    assert_eq!(done["state"], "ROUTED", "{done}");
    let id = done["deployments"][0]["id"].as_str().unwrap();
    server.api().succeeded(id).await;
    assert_eq!(
        world.json(&report).await,
        done,
        "from here on the key is taken"
    );
    assert_eq!(server.api().deployments().await.len(), 1);
    server.stop().await;
}

async fn ask(server: &Server, method: Method, path: &str, token: Option<&str>) -> Answer {
    let bearer = token.map(|it| format!("Bearer {it}"));
    let headers: Vec<_> = bearer
        .iter()
        .map(|it| ("authorization", it.as_str()))
        .collect();
    http(&server.address, method, path, &headers, Vec::new())
        .await
        .unwrap()
}

/// An error over HTTP: this status, some code, a cause.
#[track_caller]
fn is_error(answer: &Answer, status: u16, what: &str) -> Value {
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    let error = answer.json()["error"].clone();
    for part in ["code", "message", "fix"] {
        let is_there = error[part].as_str().is_some_and(|it| !it.is_empty());
        assert!(is_there, "{what}: {part}: {error:#}");
    }
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_there_is_404_and_a_method_that_nobody_serves_is_405() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let ci = world.token("ci", "ci").await;
    for token in [None, Some(ci.as_str()), Some(server.token.as_str())] {
        for path in ["/api/v1/nope", "/metricz", "/", "/api/v1/builds/x"] {
            let answer = ask(&server, Method::GET, path, token).await;
            is_error(&answer, 404, path);
        }
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = ask(&server, method.clone(), "/api/v1/builds", token).await;
            assert_eq!(answer.status, 405, "{method}: {}", answer.text());
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_array_is_no_report() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let digest = world.image("api", "1.0.0").await;
    let in_order = json!(["api", "api", "1.0.0", "LATEST", digest, ["local"], "", 0]);
    for body in [json!([]), in_order, json!([{}]), json!("{}"), Value::Null] {
        let body = format!(" \n{body}");
        let answer = server.post(Some(&server.token), body.clone().into()).await;
        let error = is_error(&answer, 400, &body);
        assert_eq!(error["code"], "body-malformed", "{body}: {error:#}");
        let message = error["message"].as_str().unwrap();
        assert!(!message.contains("struct"), "{body}: {message}");
    }
    assert_eq!(server.api().deployments().await, []);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_none_and_a_position_beyond_the_log_are_misuse() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let wrong = command(&world, &["deployments", "list", "--state", "FOO"]);
    let said = refused(wrong, 2, "invalid-value").await;
    for known in ["PENDING", "SUCCESS", "QUARANTINED"] {
        assert!(said.contains(known), "{known}: {said}");
    }
    let limit = world.cli(&["deployments", "list", "--limit", "0"]).await;
    assert_eq!(limit.code, 2, "{limit}");
    let beyond = world.cli(&["log", "tail", "--after", "999999"]).await;
    assert_eq!(beyond.code, 2, "{beyond}");
    assert!(beyond.stderr.contains("999999"), "{beyond}");
    let tail = world.json(&["status"]).await["log_position"].to_string();
    let end = world.cli(&["log", "tail", "--after", &tail]).await;
    assert_eq!(end.ok(), "", "the end itself is there");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_of_a_policy_is_not_denied_because_the_manifests_cannot_be_read() {
    let (world, _) = releases(&[("track.yaml", approvals::TRACK)]).await;
    let server = world.start().await;
    let create = |name: &str, group: &str| {
        let create = ["access", "create", name, "--group", group];
        command(&world, &create)
    };
    let away = world.root().join("away.git");
    std::fs::rename(world.remote.path(), &away).unwrap();
    let said = refused(create("quinn", "qa"), 3, "manifests-unusable").await;
    assert!(
        said.contains("`qa`") && !said.contains("there is no group"),
        "{said}"
    );
    // What needs no manifests does not wait for them.
    create("vera", "viewer").run().await.ok();
    std::fs::rename(&away, world.remote.path()).unwrap();
    create("quinn", "qa").run().await.ok();

    let unknown = refused(create("x", "security"), 2, "invalid-value").await;
    let tip = world.remote.tip().await;
    assert!(
        unknown.contains("`security`") && unknown.contains(&tip),
        "{unknown}"
    );
    // A policy counts from the moment it was pushed.
    let push = |text: String| text.replace("groupEmail: qa", "groupEmail: security");
    let ada = world.clone_of(&world.remote, "ada").await;
    ada.edit("track.yaml", push).await;
    create("x", "security").run().await.ok();
    server.stop().await;
}
