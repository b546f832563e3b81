//! What is cut short goes on: the server is killed, GitHub is away, slow or unwilling.

use std::time::Duration;

use fake_github::{Trouble, Webhook};
use proto::forge::v1 as pb;
use tokio::time::{Instant, sleep};

use crate::harness::forge::{REPOSITORY, send};
use crate::harness::{Forge, World};

const MINOR: [(&str, &str); 1] = [("release/minor", "towpath[bot]")];

/// Waits until `status` says this.
async fn status_says(world: &World, word: &str) -> String {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let text = world.cli(&["status"]).await.all();
        if text.contains(word) {
            return text;
        }
        assert!(Instant::now() < end, "no {word} in {text}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_a_webhook_and_its_label_it_sets_the_label_once() {
    let (forge, world) = Forge::with_world().await;
    let github = &forge.0;
    let number = github.open(REPOSITORY, "feat: search", "main", &[]);
    for round in 0..6_u64 {
        let title = if round % 2 == 0 {
            "feat: search"
        } else {
            "feat!: search"
        };
        github.retitle(REPOSITORY, number, title);
        let server = world.start().await;
        forge.tell(&server).await;
        sleep(Duration::from_millis(round * 3)).await;
        server.kill9().await;
    }
    let server = world.start().await;
    forge
        .becomes(&server, number, &[("release/major", "towpath[bot]")])
        .await;
    server.stop().await;
    let export = world.export().await;
    let taken = export.events::<pb::LabelTakenOff>("towpath.forge.v1.LabelTakenOff");
    assert!(taken.is_empty(), "nobody else took anything off: {taken:?}");
    let theirs = export.events::<pb::LabelOverridden>("towpath.forge.v1.LabelOverridden");
    assert!(theirs.is_empty(), "nobody else put anything on: {theirs:?}");
}

/// Waits until the forge has seen this label come or go.
async fn label_is(forge: &Forge, number: u64, label: Option<&str>) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let labels = forge.0.labels(REPOSITORY, number);
        if labels.first().map(|it| it.0.as_str()) == label {
            return;
        }
        assert!(Instant::now() < end, "{labels:?} and not {label:?}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_after_acting_and_before_hearing_so_it_knows_what_it_did() {
    let (forge, world) = Forge::with_world().await;
    let github = &forge.0;
    let number = github.open(REPOSITORY, "feat: search", "main", &[]);
    let server = world.start().await;
    github.trouble(Some(Trouble::Status(502, "Server Error".to_owned())));
    forge.tell(&server).await;
    status_says(&world, "answers 502").await;
    server.kill9().await;
    // It was heard of before: nobody says it again.
    github.trouble(None);
    let server = world.start().await;
    forge.becomes(&server, number, &MINOR).await;
    // Taken off, and killed before the answer.
    github.trouble(Some(Trouble::WritesLost));
    github.retitle(REPOSITORY, number, "fix: search");
    forge.tell(&server).await;
    label_is(&forge, number, None).await;
    server.kill9().await;
    github.trouble(None);
    let server = world.start().await;
    forge.becomes(&server, number, &[]).await;
    // Put on, and killed before the answer.
    github.trouble(Some(Trouble::WritesLost));
    github.retitle(REPOSITORY, number, "feat: search");
    forge.tell(&server).await;
    label_is(&forge, number, Some("release/minor")).await;
    server.kill9().await;
    github.trouble(None);
    let server = world.start().await;
    github.retitle(REPOSITORY, number, "feat!: search");
    let major = [("release/major", "towpath[bot]")];
    forge.becomes(&server, number, &major).await;
    server.stop().await;
    let export = world.export().await;
    let taken = export.events::<pb::LabelTakenOff>("towpath.forge.v1.LabelTakenOff");
    assert!(
        taken.is_empty(),
        "it took for a person's what it did itself: {taken:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_github_that_is_away_gets_its_labels_when_it_is_back() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let github = &forge.0;
    github.trouble(Some(Trouble::Status(502, "Server Error".to_owned())));
    let number = github.open(REPOSITORY, "feat: search", "main", &[]);
    forge.tell(&server).await;
    let said = status_says(&world, "answers 502").await;
    assert!(said.contains(&format!("acme/api#{number}")), "{said}");
    github.trouble(None);
    forge.becomes(&server, number, &MINOR).await;
    let said = world.cli(&["status"]).await.all();
    assert!(!said.contains("answers 502"), "{said}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_waited_for_and_nobody_asks_before() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let github = &forge.0;
    github.trouble(Some(Trouble::Limited(3)));
    let first = github.open(REPOSITORY, "feat: search", "main", &[]);
    forge.tell(&server).await;
    status_says(&world, "takes no more requests for 3 s").await;
    github.trouble(None);
    let second = github.open(REPOSITORY, "feat: find", "main", &[]);
    forge.tell(&server).await;
    assert_eq!(github.asked().len(), 1, "{:?}", github.asked());
    forge.becomes(&server, second, &MINOR).await;
    forge.becomes(&server, first, &MINOR).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_named_and_not_repeated_in_a_hurry() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let github = &forge.0;
    let message = "Resource not accessible by integration".to_owned();
    github.trouble(Some(Trouble::Status(403, message)));
    github.open(REPOSITORY, "feat: search", "main", &[]);
    forge.tell(&server).await;
    let said = status_says(&world, "Resource not accessible").await;
    assert!(said.contains("leave to write pull requests"), "{said}");
    sleep(Duration::from_secs(3)).await;
    assert_eq!(github.asked().len(), 1, "{:?}", github.asked());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_there_keeps_no_other_from_anything() {
    let (forge, world) = Forge::with_world().await;
    let github = &forge.0;
    let number = github.open(REPOSITORY, "feat: search", "main", &[]);
    let server = world.start().await;
    let told = github.untold();
    let mut payload = told[0].payload();
    payload["number"] = 404_404.into();
    payload["pull_request"]["number"] = 404_404.into();
    let gone = Webhook::new("gone", "pull_request", &payload);
    assert_eq!(send(&server, &gone).await.status, 202);
    status_says(&world, "#404404").await;
    for it in &told {
        assert_eq!(send(&server, it).await.status, 202);
    }
    forge.becomes(&server, number, &MINOR).await;
    let commit = "c".repeat(40);
    let came = forge.came_with(&server, "main", &[&commit]).await;
    assert_eq!(came.len(), 1);
    server.stop().await;
}
