//! What is new in an environment by a bundle is what git says lies between what ran there and what
//! it brings, application by application, each commit once.

use std::collections::BTreeSet;
use std::time::Duration;

use proto::changelog::v1::RangeGenerated;
use proto::release::v1 as pb;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::harness::{Git, Outcome, Program, Report, Server, Shop, World, settings};

/// What is new in production by a bundle, once nothing of it is being found out any more.
async fn new_in(world: &World, bundle: &str, environment: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let name = format!("storefront/{bundle}");
        let ask = ["changelog", &name, "--environment", environment];
        let json = world.json(&ask).await["release_changelog"].take();
        let all = json["applications"].as_array().unwrap();
        if all.iter().all(|it| it["standing"] != "PENDING") {
            return json;
        }
        assert!(Instant::now() < end, "{json:#}");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn commit(git: &Git, message: &str) -> String {
    let commit = git.commit([("work", message.as_bytes())], message).await;
    git.run(&["push", "-q", "origin", "HEAD:main"]).await;
    commit
}

/// What git says lies between two commits; all, when there is no first one.
async fn listed(git: &Git, from: &str, to: &str) -> BTreeSet<String> {
    let range = if from.is_empty() {
        to.to_owned()
    } else {
        format!("{from}..{to}")
    };
    let text = git.run(&["rev-list", &range]).await;
    text.lines().map(str::to_owned).collect()
}

fn commits(side: &Value) -> Vec<String> {
    let lists = ["shown", "left_out"];
    let all = lists
        .iter()
        .flat_map(|it| side[*it].as_array().unwrap().iter());
    all.map(|it| it["commit"].as_str().unwrap().to_owned())
        .collect()
}

/// The commits of a side, each once.
fn once(side: &Value) -> BTreeSet<String> {
    let all = commits(side);
    let set: BTreeSet<_> = all.iter().cloned().collect();
    assert_eq!(set.len(), all.len(), "one is there twice: {side:#}");
    set
}

fn application<'a>(json: &'a Value, name: &str) -> &'a Value {
    let mut all = json["applications"].as_array().unwrap().iter();
    all.find(|it| it["application"] == name).unwrap()
}

/// What an application gets, and what it loses.
fn own(json: &Value, name: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let changelog = &application(json, name)["changelog"];
    (once(&changelog["added"]), once(&changelog["removed"]))
}

fn standings(json: &Value) -> Vec<&str> {
    let all = json["applications"].as_array().unwrap().iter();
    all.map(|it| it["standing"].as_str().unwrap()).collect()
}

fn entry<'a>(json: &'a Value, list: &str, commit: &str) -> &'a Value {
    let mut all = json["added"][list].as_array().unwrap().iter();
    all.find(|it| it["commit"] == commit)
        .unwrap_or_else(|| panic!("no {commit} in {list}: {json:#}"))
}

fn union(sets: &[&BTreeSet<String>]) -> BTreeSet<String> {
    sets.iter().flat_map(|it| it.iter().cloned()).collect()
}

/// Pages as they are read by people: what a commit says is in them, as text.
async fn inert(world: &World, subject: &[&str]) {
    for (format, forbidden) in [
        ("markdown", &["<script>", "](javascript:"][..]),
        ("html", &["<script>", "`", "<img"][..]),
    ] {
        let ask = [&["changelog"][..], subject, &["--output", format]].concat();
        let page = world.cli(&ask).await.ok();
        assert!(page.contains("script"), "{page}");
        for it in forbidden {
            assert!(!page.contains(it), "{it} in {page}");
        }
    }
}

/// What the second bundle brings: commits of the shared repository.
struct Second {
    breaking: String,
    plain: String,
    fix: String,
    undo: String,
    of_api: BTreeSet<String>,
    of_web: BTreeSet<String>,
}

impl Second {
    /// `api` gets a part of what `web` gets, `worker` gets nothing new.
    fn check(&self, json: &Value) {
        assert_eq!(standings(json), ["FORWARD", "FORWARD", "UNCHANGED"]);
        assert_eq!(own(json, "api"), (self.of_api.clone(), BTreeSet::new()));
        assert_eq!(own(json, "web"), (self.of_web.clone(), BTreeSet::new()));
        assert_eq!(once(&json["added"]), union(&[&self.of_api, &self.of_web]));
        let shared = entry(json, "shown", &self.breaking);
        assert_eq!(shared["section"], "breaking");
        assert_eq!(shared["applications"], serde_json::json!(["api", "web"]));
        let plain = entry(json, "shown", &self.plain);
        assert_eq!(plain["section"], "unconventional", "shown, not dropped");
        for (commit, reason) in [(&self.fix, "reverted"), (&self.undo, "revert")] {
            let out = entry(json, "left_out", commit);
            assert_eq!(out["reason"], reason);
            assert_eq!(out["applications"], serde_json::json!(["web"]));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_new_in_production_is_the_union_of_what_git_says_of_each_application() {
    let shop = Shop::new().await;
    let world = &shop.world;
    let server = world.start().await;
    let (one, b1) = (
        commit(&shop.front, "feat: one").await,
        commit(&shop.back, "feat: work").await,
    );
    let api = shop.built(&server, "api", "1.0.0", &one).await;
    let web = shop.built(&server, "web", "1.0.0", &one).await;
    let worker = shop.built(&server, "worker", "1.0.0", &b1).await;
    server.stop().await;
    let items = [api, web, worker];
    shop.begin(1, &items).await;

    // Production is empty: everything is new.
    let server = world.start().await;
    world.release_ends("storefront/1", "SUCCESS").await;
    let json = new_in(world, "1", "production").await;
    assert_eq!(standings(&json), ["NEW", "NEW", "NEW"], "{json:#}");
    let front = listed(&shop.front, "", &one).await;
    let back = listed(&shop.back, "", &b1).await;
    assert_eq!(once(&json["added"]), union(&[&front, &back]));
    assert_eq!(json["environments"][1], "production", "{json:#}");

    let (server, tip) = a_second_one(&shop, server, &one, &items).await;
    let server = went_back(&shop, server, &one, &tip, &items).await;
    gone(&shop, server).await;
}

async fn a_second_one(
    shop: &Shop,
    server: Server,
    one: &str,
    items: &[pb::Item],
) -> (Server, String) {
    let world = &shop.world;
    let breaking = "feat(ui)!: two `<script>alert(1)</script>` [x](javascript:alert(1))";
    let breaking = commit(&shop.front, breaking).await;
    let plain = commit(&shop.front, "Update things").await;
    let api = shop.built(&server, "api", "1.1.0", &plain).await;
    let fix = commit(&shop.front, "fix: a mistake").await;
    let undo = format!("Revert \"fix: a mistake\"\n\nThis reverts commit {fix}.");
    let undo = commit(&shop.front, &undo).await;
    let tip = commit(&shop.front, "docs: say so").await;
    let web = shop.built(&server, "web", "1.1.0", &tip).await;
    let hold = ["hold", "create", "--scope", "environment", "--subject"];
    let hold = [&hold[..], &["production", "--reason", "wait"]].concat();
    let hold = world.json(&hold).await;
    server.stop().await;
    shop.begin(2, &[api, web, items[2].clone()]).await;

    let server = world.start().await;
    let second = Second {
        of_api: listed(&shop.front, one, &plain).await,
        of_web: listed(&shop.front, one, &tip).await,
        breaking,
        plain,
        fix,
        undo,
    };
    // As long as it has not come: against what runs there now.
    let json = new_in(world, "2", "production").await;
    let api = application(&json, "api");
    assert!(api["arrived_at"].is_null(), "{json:#}");
    second.check(&json);
    let text = world.cli(&["changelog", "storefront/2"]).await.ok();
    assert!(text.contains("It has not come to production"), "{text}");
    let hold = hold["hold"]["id"].as_str().unwrap();
    world.cli(&["hold", "release", hold]).await.ok();
    world.release_ends("storefront/2", "SUCCESS").await;
    let json = new_in(world, "2", "production").await;
    let api = application(&json, "api");
    assert!(api["arrived_at"].is_string(), "{json:#}");
    second.check(&json);
    second.check(&new_in(world, "2", "staging").await);
    inert(world, &["storefront/2"]).await;
    let text = world.cli(&["changelog", "storefront-2-rc.0"]).await.ok();
    let (first, second) = (text.find("Breaking changes"), text.find("Added: api"));
    assert!(first.is_some() && first < second, "{text}");
    assert!(text.contains("Added: web"), "{text}");
    (server, tip)
}

/// Production goes back by hand; what follows is compared with what it runs then.
async fn went_back(
    shop: &Shop,
    server: Server,
    one: &str,
    tip: &str,
    items: &[pb::Item],
) -> Server {
    let world = &shop.world;
    let back = world
        .json(&["rollback", "api", "--env", "production"])
        .await;
    let back = back["deployment_id"].as_str().unwrap().to_owned();
    server.api().settled(&back).await;
    let lost = listed(
        &shop.front,
        one,
        &application_commit(shop, "2", "api").await,
    )
    .await;
    let json = world.json(&["changelog", &back]).await["changelog"].take();
    assert_eq!(json["direction"], "backward", "{json:#}");
    assert_eq!(once(&json["removed"]), lost);
    inert(world, &[&back]).await;
    // What the bundle brought is not rewritten, and what runs now is said.
    let json = new_in(&shop.world, "2", "production").await;
    assert_eq!(own(&json, "api").0, lost);
    assert_eq!(application(&json, "api")["runs_commit"], one);
    let text = world.cli(&["changelog", "storefront/2"]).await.ok();
    assert!(text.contains("runs storefront-1-rc.0 there now"), "{text}");

    let api_3 = shop.built(&server, "api", "1.2.0", tip).await;
    server.stop().await;
    let [_, web, worker] = items else { panic!() };
    let silent = pb::Item {
        commit: String::new(),
        digest: world.image("worker", "1.1.0").await,
        ..worker.clone()
    };
    shop.begin(3, &[api_3, web.clone(), silent]).await;
    let server = world.start().await;
    let json = new_in(&shop.world, "3", "production").await;
    assert_eq!(standings(&json), ["FORWARD", "BACKWARD", "UNKNOWN"]);
    let why = application(&json, "worker")["message"].as_str().unwrap();
    assert!(why.starts_with("no-commit: "), "{why}");
    let all = listed(&shop.front, one, tip).await;
    assert_eq!(
        own(&json, "api"),
        (all.clone(), BTreeSet::new()),
        "{json:#}"
    );
    assert_eq!(
        own(&json, "web"),
        (BTreeSet::new(), all.clone()),
        "{json:#}"
    );
    assert_eq!(
        (once(&json["added"]), once(&json["removed"])),
        (all.clone(), all)
    );
    server
}

/// What was found out stays when the sources are gone, and is proved by the log.
async fn gone(shop: &Shop, server: Server) {
    let world = &shop.world;
    let before = new_in(world, "3", "production").await;
    server.stop().await;
    std::fs::rename(world.source.path(), world.root().join("moved.git")).unwrap();
    let _gone = std::fs::remove_dir_all(world.data.join("sources"));
    let server = world.start().await;
    let json = new_in(&shop.world, "3", "production").await;
    for side in ["added", "removed"] {
        assert_eq!(json[side], before[side]);
    }
    server.stop().await;
    if world.stores().await.is_some() {
        return;
    }
    world.cli(&["log", "verify"]).await.ok();
    let export = world.export().await;
    let ranges = export.events::<RangeGenerated>("towpath.changelog.v1.RangeGenerated");
    let mut ends: Vec<_> = ranges
        .iter()
        .map(|(_, it)| (&it.definition, &it.from_commit, &it.to_commit))
        .collect();
    let all = ends.len();
    ends.sort();
    ends.dedup();
    assert_eq!(ends.len(), all, "a range is recorded once: {ends:#?}");
    let digest = application(&json, "api")["digest"].as_str().unwrap();
    assert!(
        ranges.iter().any(|(_, it)| it.digest == digest),
        "{ends:#?}"
    );
}

async fn application_commit(shop: &Shop, bundle: &str, name: &str) -> String {
    let json = new_in(&shop.world, bundle, "production").await;
    let commit = &application(&json, name)["to_commit"];
    commit.as_str().unwrap().to_owned()
}

async fn in_clone(git: &Git, range: &str) -> Outcome {
    let program = Program::new(&settings().towpath, git.path().parent().unwrap());
    let ask = ["changelog", range, "--output", "markdown"];
    program.within(git.path()).args(ask).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_and_its_range_read_alike_and_releases_are_named_as_elsewhere() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let git = world.clone_of(&world.source, "developer").await;
    let first = commit(&git, "feat: one").await;
    let deploy = async |version: &str, at: &str| {
        let digest = world.image("api", version).await;
        let report = Report::of("api", version, &digest).at_commit(at);
        server.deployed(&report).await
    };
    deploy("1.0.0", &first).await;
    for message in [
        "feat(ui)!: two (#7)\n\nBREAKING CHANGE: look\nCo-authored-by: Ada <ada@example.com>",
        "Update things",
        "docs: three",
    ] {
        commit(&git, message).await;
    }
    let last = commit(
        &git,
        "Revert \"feat: zero\"\n\nThis reverts commit 1234567.",
    )
    .await;
    let id = deploy("1.1.0", &last).await;
    let end = Instant::now() + Duration::from_secs(30);
    while world.json(&["changelog", &id]).await["changelog"]["state"] == "PENDING" {
        assert!(Instant::now() < end);
        sleep(Duration::from_millis(50)).await;
    }
    let ask = ["changelog", &id, "--output", "markdown"];
    let told = world.cli(&ask).await.ok();
    git.run(&["tag", "1.0.0", &first]).await;
    git.run(&["tag", "1.1.0", &last]).await;
    assert_eq!(told, in_clone(&git, "1.0.0..1.1.0").await.ok());

    let unknown = world.cli(&["changelog", "storefront/9"]).await;
    assert!(unknown.code == 1 && unknown.all().contains("there is no release"));
    let ask = ["changelog", "a..b", "--environment", "production"];
    assert_eq!(world.cli(&ask).await.code, 2);
    server.stop().await;
}
