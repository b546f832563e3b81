//! A webhook that is lost costs time: what it would have told is found by looking.

use std::time::Duration;

use fake_github::Trouble;
use proto::forge::v1 as pb;
use tokio::time::{Instant, sleep};

use crate::harness::forge::REPOSITORY;
use crate::harness::{Forge, World};

const MINOR: [(&str, &str); 1] = [("release/minor", "towpath[bot]")];
const MAJOR: [(&str, &str); 1] = [("release/major", "towpath[bot]")];

/// Loses every webhook until the pull request has exactly these labels.
async fn becomes(forge: &Forge, number: u64, wanted: &[(&str, &str)]) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        drop(forge.0.untold());
        let labels = forge.0.labels(REPOSITORY, number);
        let labels = labels.iter().map(|it| (it.0.as_str(), it.1.as_str()));
        let labels: Vec<_> = labels.collect();
        if labels == wanted {
            return;
        }
        assert!(Instant::now() < end, "{labels:?} and not {wanted:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// How often open pull requests were listed.
fn looks(forge: &Forge) -> usize {
    let asked = forge.0.asked();
    let list = format!("GET /repos/{REPOSITORY}/pulls");
    asked.iter().filter(|it| it.what == list).count()
}

/// Waits until somebody looked twice more, so that one whole look was made from now on.
async fn looked(forge: &Forge) {
    let (before, end) = (looks(forge), Instant::now() + Duration::from_secs(30));
    while looks(forge) < before + 2 {
        assert!(Instant::now() < end, "nobody looks");
        drop(forge.0.untold());
        sleep(Duration::from_millis(20)).await;
    }
}

async fn events<M: prost::Message + Default>(world: &World, name: &str) -> Vec<M> {
    let export = world.export().await;
    let found = export.events::<M>(&format!("towpath.forge.v1.{name}"));
    found.into_iter().map(|it| it.1).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_webhooks_cost_time_and_no_label() {
    let (forge, world) = Forge::distrusted().await;
    let server = world.start().await;
    let github = &forge.0;
    // Open before anybody heard of the repository.
    let old = github.open(REPOSITORY, "feat: search", "main", &[]);
    let plain = github.open(REPOSITORY, "fix: the cart", "main", &[]);
    drop(github.untold());
    let first = github.open(REPOSITORY, "feat: pages", "main", &[]);
    forge.tell(&server).await;
    becomes(&forge, first, &MINOR).await;
    becomes(&forge, old, &MINOR).await;

    github.retitle(REPOSITORY, old, "feat!: search");
    becomes(&forge, old, &MAJOR).await;
    github.label(REPOSITORY, first, "release/patch", "wilma");
    becomes(&forge, first, &[("release/patch", "wilma")]).await;
    github.merge(REPOSITORY, old, &"c".repeat(40));
    looked(&forge).await;
    looked(&forge).await;
    server.stop().await;

    let heard = events::<pb::PullRequestHeard>(&world, "PullRequestHeard").await;
    let told = heard.iter().filter(|it| !it.delivery.is_empty()).count();
    assert_eq!(told, 1, "{heard:#?}");
    assert!(heard.iter().all(|it| it.number != plain), "{heard:#?}");
    let found = heard.iter().filter(|it| it.delivery.is_empty());
    let found: Vec<_> = found.map(|it| (it.number, it.action.as_str())).collect();
    // Once each: opened, its title, its merge; and what wilma put on the other.
    let looked = |number: u64| (number, "looked");
    assert_eq!(found, [old, old, first, old].map(looked), "{heard:#?}");
    let merged = events::<pb::PullRequestMerged>(&world, "PullRequestMerged").await;
    assert_eq!(merged.len(), 1, "{merged:#?}");
    assert_eq!(merged[0].labels, ["release/major"], "{merged:#?}");
    assert!(!merged[0].as_told, "{merged:#?}");
    assert_eq!(github.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_it_was_away_is_found_at_the_next_start() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let github = &forge.0;
    let number = github.open(REPOSITORY, "feat: search", "main", &[]);
    forge.becomes(&server, number, &MINOR).await;
    server.kill9().await;
    github.retitle(REPOSITORY, number, "feat!: search");
    let new = github.open(REPOSITORY, "feat: pages", "main", &[]);
    drop(github.untold());
    github.trouble(Some(Trouble::Status(502, "Server Error".to_owned())));
    let server = world.start().await;
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let text = world.cli(&["status"]).await.all();
        if text.contains("open pull requests of") && text.contains("answers 502") {
            break;
        }
        assert!(Instant::now() < end, "{text}");
        sleep(Duration::from_millis(100)).await;
    }
    github.trouble(None);
    becomes(&forge, number, &MAJOR).await;
    becomes(&forge, new, &MINOR).await;
    let end = Instant::now() + Duration::from_secs(20);
    while world.cli(&["status"]).await.all().contains("answers 502") {
        assert!(Instant::now() < end, "{}", server.stderr());
        sleep(Duration::from_millis(100)).await;
    }
    server.stop().await;
    assert_eq!(github.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_gone_troubles_nobody() {
    let (forge, world) = Forge::distrusted().await;
    let server = world.start().await;
    let github = &forge.0;
    let number = github.open(REPOSITORY, "feat: search", "main", &[]);
    forge.becomes(&server, number, &MINOR).await;
    github.trouble(Some(Trouble::Status(404, "Not Found".to_owned())));
    looked(&forge).await;
    looked(&forge).await;
    let text = world.cli(&["status"]).await.all();
    assert!(!text.contains("open pull requests of"), "{text}");
    // It is back under its name: nothing was forgotten.
    github.retitle(REPOSITORY, number, "feat!: search");
    github.trouble(None);
    becomes(&forge, number, &MAJOR).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_page_of_pull_requests_is_read_to_its_end() {
    let (forge, world) = Forge::with_world().await;
    let server = world.start().await;
    let github = &forge.0;
    let oldest = github.open(REPOSITORY, "feat: search", "main", &[]);
    for _ in 0..120 {
        github.open(REPOSITORY, "fix: the cart", "main", &[]);
    }
    drop(github.untold());
    let newest = github.open(REPOSITORY, "feat: pages", "main", &[]);
    forge.tell(&server).await;
    becomes(&forge, newest, &MINOR).await;
    becomes(&forge, oldest, &MINOR).await;
    assert_eq!(looks(&forge), 2, "one for each page");
    server.stop().await;
    assert_eq!(github.violations(), Vec::<String>::new());
}
