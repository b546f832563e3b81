//! What somebody stumbled over who used it for the first time: holds, and texts that others wrote.

use serde_json::Value;

use super::newcomer::{command, ran, refused};
use crate::harness::{Manifests, Report, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_under_a_hold_of_any_scope_is_said_to_be_held() {
    let (world, server) = ran(&["1.0.0"]).await;
    for (scope, subject) in [
        ("all", ""),
        ("environment", "development"),
        ("appset", "storefront"),
        ("app", "api"),
        ("app", "development/api"),
    ] {
        let create = ["hold", "create", "--reason", "freeze", "--scope", scope];
        let json = world
            .json(&[&create[..], &["--subject", subject]].concat())
            .await;
        let held = world.explain("development/api").await;
        assert_eq!(held["state"], "HELD", "{scope} {subject}: {held:#}");
        let waiting = held["waiting"].to_string();
        assert!(waiting.contains("freeze"), "{scope} {subject}: {held:#}");
        let shown = world.json(&["environments", "show", "development"]).await;
        let state = &shown["environment"]["slots"][0]["state"];
        assert_eq!(*state, "HELD", "{scope} {subject}: {shown:#}");
        let id = json["hold"]["id"].as_str().unwrap();
        world.cli(&["hold", "release", id]).await.ok();
        let free = world.explain("development/api").await;
        assert_eq!(free["state"], "IDLE", "{scope} {subject}: {free:#}");
    }
    server.stop().await;
}

/// Clears the screen, colours what follows, and begins a line of its own.
const HOSTILE: &str = "\u{1b}[2J\u{1b}[31mcalm\u{9b}31m\rfreeze\nfaked  all  -";

/// Nothing of it drives a terminal.
#[track_caller]
fn is_plain(text: &str) {
    let drives = |it: char| it.is_control() && it != '\n' && it != '\t';
    assert!(!text.contains(drives), "{text:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_in_a_reason_are_refused() {
    let (world, server) = ran(&["1.0.0", "1.1.0"]).await;
    let json: Value = world
        .json(&["hold", "create", "--scope", "all", "--reason", "freeze"])
        .await;
    let hold = json["hold"]["id"].as_str().unwrap();
    let digest = world.image("api", "1.2.0").await;
    let waits = server.deploy(&Report::of("api", "1.2.0", &digest)).await;
    for reason in [HOSTILE, "\u{7}", "one\ntwo", "\u{9b}31m", "a\tb"] {
        for arguments in [
            &["hold", "create", "--scope", "all"][..],
            &["hold", "release", hold],
            &["rollback", "api", "--env", "development"],
            &["deployments", "abort", &waits],
        ] {
            let wrong = command(&world, arguments).args(["--reason", reason]);
            is_plain(&refused(wrong, 2, "invalid-value").await);
        }
    }
    let holds = world.json(&["hold", "list", "--all"]).await;
    assert_eq!(holds["holds"].as_array().unwrap().len(), 1, "{holds:#}");
    server.stop().await;
}

const REPORT: [&str; 9] = [
    "build",
    "report",
    "--definition",
    "api",
    "--container",
    "api",
    "--version",
    "1.1.0",
    "--wait",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_others_wrote_never_drives_the_terminal_of_a_reader() {
    let mut manifests = Manifests::of(["api"]);
    manifests.apps[0].unhealthy_threshold = 1;
    let world = World::with(manifests, &[]).await;
    let server = world.start().await;
    let digest = world.image("api", "1.0.0").await;
    server.deployed(&Report::of("api", "1.0.0", &digest)).await;

    // The application answers it, and CI waits for the outcome.
    let digest = world.broken_image("api", "1.1.0", HOSTILE).await;
    let failed = world
        .cli(&[&REPORT[..], &["--digest", &digest]].concat())
        .await;
    assert_eq!(failed.code, 1, "{failed}");
    is_plain(&failed.all());
    let id = server.api().deployments().await[0].id.clone();
    let explained = world.cli(&["explain", &id]).await.ok();
    assert!(explained.contains("calm"), "its text is told: {explained}");

    // A person is called so, and writes it.
    let person = world
        .clone_of(&world.remote, "ada")
        .await
        .by("Ada \u{1b}[31mAuthor", "ada@example.com");
    let edit = |text: String| text.replace("1.1.0", "\"9.9.9\\e[31m\"");
    person.edit(&world.app(0).file(), edit).await;
    let is_seen = |it: &proto::delivery::v1::ExplainResponse| it.state == "UNKNOWN_VERSION";
    server.api().explained("development/api", is_seen).await;
    for arguments in [
        &["explain", &id][..],
        &["explain", "development/api"],
        &["explain", HOSTILE],
        &["deployments", "show", HOSTILE],
        &["deployments", "list"],
        &["deployments", "show", &id],
        &["environments", "list"],
        &["environments", "show", "development"],
        &["environments", "show", HOSTILE],
        &["hold", "list"],
        &["status"],
    ] {
        is_plain(&world.cli(arguments).await.all());
    }
    is_plain(&server.stderr());
    server.stop().await;
}
