//! Whatever is wrong gets a code, a cause and a fix, and changes nothing.

use serde_json::{Value, json};

use crate::harness::{Answer, Api, Report, Server, World};

/// A refusal over HTTP: this status, this code, a cause and a fix.
#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str, what: &str) {
    let json = answer.json();
    let text = |name: &str| json["error"][name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (answer.status, text("code").as_str()),
        (status, code),
        "{what}: {json:#}"
    );
    assert!(!text("message").is_empty(), "{what}: {json:#}");
    assert!(!text("fix").is_empty(), "{what}: {json:#}");
}

async fn world() -> (World, Server, Report) {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    (world, server, report)
}

/// Nothing was committed, nothing was begun; and what is right still works.
async fn nothing_happened(world: &World, server: Server, tip: &str, report: &Report) {
    assert_eq!(world.remote.tip().await, tip, "no commit");
    assert_eq!(server.api().deployments().await, [], "no deployment");
    server.deployed(report).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_wrong_revoked_or_weak_token_is_refused() {
    let (world, server, report) = world().await;
    let tip = world.remote.tip().await;
    let body = || report.json().to_string().into_bytes();
    let [viewer, ci] = [
        world.token("vera", "viewer").await,
        world.token("ci", "ci").await,
    ];
    let gone = world.token("gone", "ci").await;
    world.cli(&["access", "revoke", "gone"]).await.ok();
    let wrong = "tp_0000000000000000000000000000000000000000000000000000";
    for (token, status, code) in [
        (None, 401, "token-missing"),
        (Some(wrong), 401, "token-unknown"),
        (Some(&viewer[..viewer.len() - 1]), 401, "token-unknown"),
        (Some(gone.as_str()), 401, "token-revoked"),
        (Some(viewer.as_str()), 403, "not-allowed"),
    ] {
        refused(&server.post(token, body()).await, status, code, code);
        let api = Api::at(&server.address, token.unwrap_or_default());
        let failure = api.report(&report, Some("key")).await.unwrap_err();
        assert_eq!(failure.code, code, "{failure}");
        assert!(!failure.fix.is_empty(), "{failure}");
    }
    // The command line says the same and ends with 1.
    let outcome = world
        .towpath()
        .args([
            "--data",
            world.data.to_str().unwrap(),
            "deployments",
            "list",
        ])
        .env("TOWPATH_TOKEN", wrong)
        .run()
        .await;
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(
        outcome.stderr.starts_with("error[token-unknown]: "),
        "{outcome}"
    );
    // Reading is a viewer's right, reporting is CI's; administering is neither's.
    let as_viewer = Api::at(&server.address, &viewer);
    assert_eq!(as_viewer.deployments().await, []);
    let outcome = world
        .towpath()
        .args(["--data", world.data.to_str().unwrap(), "access", "list"])
        .env("TOWPATH_TOKEN", &ci)
        .run()
        .await;
    assert_eq!(outcome.code, 1, "{outcome}");
    assert!(
        outcome.stderr.starts_with("error[not-allowed]: "),
        "{outcome}"
    );
    nothing_happened(&world, server, &tip, &report).await;
}

/// What is wrong, the field, its value, and the code that says so.
fn wrong_values(digest: &str) -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("digest", digest[..digest.len() - 1].into(), "invalid-value"),
        ("digest", format!("{digest}0").into(), "invalid-value"),
        ("digest", digest.to_uppercase().into(), "invalid-value"),
        ("digest", "".into(), "invalid-value"),
        ("version", "1.0\n.0".into(), "invalid-value"),
        ("version", "1.0.0\n".into(), "invalid-value"),
        ("version", "$(id)".into(), "invalid-value"),
        ("version", "../1.0.0".into(), "invalid-value"),
        ("version", "1".repeat(300).into(), "invalid-value"),
        ("version", "".into(), "invalid-value"),
        ("version", "1.0.0\0".into(), "invalid-value"),
        ("commit", "main".into(), "invalid-value"),
        ("commit", "--upload-pack=id".into(), "invalid-value"),
        ("release_type", "NEWEST".into(), "invalid-value"),
        ("release_type", "NONE".into(), "release-type-none"),
        ("registries", json!(["elsewhere"]), "unknown-registry"),
        ("definition", "nobody".into(), "unknown-definition"),
        ("definition", "../api".into(), "invalid-value"),
        ("container", "a b".into(), "invalid-value"),
        ("force", true.into(), "unknown-field"),
        ("version", 1.into(), "body-malformed"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_value_is_refused_by_name() {
    let (world, server, report) = world().await;
    let tip = world.remote.tip().await;
    let mut wrong = 0;
    for (field, value, code) in wrong_values(&report.digest) {
        let mut body = report.json();
        body[field] = value.clone();
        let answer = server
            .post(Some(&server.token), body.to_string().into_bytes())
            .await;
        let what = format!("{field} = {value}");
        assert!(
            (400..500).contains(&answer.status),
            "{what}: {}",
            answer.text()
        );
        refused(&answer, answer.status, code, &what);
        let message = answer.json()["error"]["message"].to_string();
        assert!(
            message.contains(field) || code != "invalid-value",
            "{what}: {message}"
        );
        wrong += 1;
    }
    for (body, status, code) in [
        (b"".to_vec(), 400, "body-malformed"),
        (b"{\"definition\":".to_vec(), 400, "body-malformed"),
        (b"[]".to_vec(), 400, "body-malformed"),
        (b"\xff\xfe{}".to_vec(), 400, "body-malformed"),
        (b"{}".to_vec(), 400, "body-malformed"),
        (vec![b' '; 2 << 20], 413, "body-too-large"),
    ] {
        let answer = server.post(Some(&server.token), body).await;
        refused(&answer, status, code, code);
        wrong += 1;
    }
    println!("{wrong} wrong reports, each refused");
    nothing_happened(&world, server, &tip, &report).await;
}

const COMPLETE: [&str; 6] = [
    "build",
    "report",
    "--container",
    "api",
    "--version",
    "1.0.0",
];

/// Refused on the command line: this exit status, this code, a fix; and the same as JSON.
async fn refused_by_cli(world: &World, arguments: &[&str], exit: i32, code: &str) {
    let outcome = world.cli(arguments).await;
    assert_eq!(outcome.code, exit, "{outcome}");
    assert!(
        outcome.stderr.starts_with(&format!("error[{code}]: ")),
        "{outcome}"
    );
    assert!(outcome.stderr.contains("\n  fix: "), "{outcome}");
    let outcome = world
        .cli(&[&["--output", "json"], arguments].concat())
        .await;
    let json: Value = serde_json::from_str(&outcome.stderr).unwrap_or_else(|_| panic!("{outcome}"));
    assert_eq!(
        (outcome.code, &json["error"]["code"]),
        (exit, &code.into()),
        "{outcome}"
    );
    assert!(outcome.stdout.is_empty(), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_ends_with_1_when_refused_and_2_when_misused() {
    let (world, server, report) = world().await;
    let tip = world.remote.tip().await;
    let short = &report.digest[..report.digest.len() - 1];
    let wrong = [&COMPLETE[..], &["--definition", "api", "--digest", short]].concat();
    refused_by_cli(&world, &wrong, 2, "invalid-value").await;
    let nobody = [
        &COMPLETE[..],
        &["--definition", "nobody", "--digest", &report.digest],
    ]
    .concat();
    refused_by_cli(&world, &nobody, 1, "unknown-definition").await;
    let nothing = "00000000-0000-0000-0000-000000000000";
    for (unknown, code) in [
        (&["explain", nothing][..], "not-found"),
        (&["deployments", "show", "ffff"], "not-found"),
        (&["environments", "show", "nowhere"], "not-found"),
        (
            &["rollback", "api", "--env", "development", "--to", "9.9.9"],
            "never-ran-there",
        ),
        (&["hold", "release", nothing], "no-such-hold"),
    ] {
        refused_by_cli(&world, unknown, 1, code).await;
    }
    for misuse in [
        &["build", "report"][..],
        &["deploy"],
        &["deployments", "list", "--limit", "x"],
    ] {
        let outcome = world.cli(misuse).await;
        assert_eq!(outcome.code, 2, "{outcome}");
        let outcome = world.cli(&[misuse, &["--output", "json"]].concat()).await;
        let json: Value = serde_json::from_str(&outcome.stderr).unwrap();
        assert_eq!(
            (outcome.code, &json["error"]["code"]),
            (2, &"usage".into()),
            "{outcome}"
        );
        assert_ne!(json["error"]["fix"], "", "{outcome}");
    }
    nothing_happened(&world, server, &tip, &report).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_happen_and_it_does_not() {
    let (world, server, report) = world().await;
    let tip = world.remote.tip().await;
    let dry = [
        "--definition",
        "api",
        "--digest",
        &report.digest,
        "--dry-run",
    ];
    let json = world.json(&[&COMPLETE[..], &dry].concat()).await;
    assert_eq!(json["state"], "ROUTED", "{json}");
    assert_eq!(json["dry_run"], true, "{json}");
    let text = world.cli(&[&COMPLETE[..], &dry].concat()).await.ok();
    assert!(text.ends_with("(--dry-run)\n"), "{text}");
    let hold = [
        "hold",
        "create",
        "--scope",
        "all",
        "--reason",
        "freeze",
        "--dry-run",
    ];
    assert_eq!(world.json(&hold).await["dry_run"], true);
    assert_eq!(
        world.json(&["hold", "list", "--all"]).await["holds"],
        json!([])
    );
    nothing_happened(&world, server, &tip, &report).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_something_that_broke() {
    let world = World::of(["api"]).await;
    let server = format!("http://127.0.0.1:{}", world.app(0).port);
    let outcome = world
        .towpath()
        .args(["--server", &server, "deployments", "list"])
        .env("TOWPATH_TOKEN", "tp_x")
        .run()
        .await;
    assert_eq!(outcome.code, 3, "{outcome}");
    assert!(outcome.stderr.contains("fix: "), "{outcome}");
}
