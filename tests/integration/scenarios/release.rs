//! What succeeded in pre-release gets one tag for its bytes, and goes where releases go under it.

use std::time::Duration;

use hyper::Method;
use proto::release::v1::{CandidateTagged, ReleaseCandidateReady, VersionReserved};
use rand::RngExt as _;
use serde_json::{Value, json};

use crate::harness::{Release, Report, Server, World, http, releases, settings};

const TAG: &str = "storefront-2026.11-rc.0";
const NAME: &str = "storefront/2026.11";

async fn served(port: u16) -> String {
    let address = format!("127.0.0.1:{port}");
    let answer = http(&address, Method::GET, "/version", &[], Vec::new()).await;
    answer.unwrap().text().trim().to_owned()
}

/// A world in which version 1.0.0, then 1.1.0 succeeded in development; the digest of the last.
async fn succeeded() -> (World, Release, Server, String) {
    let (world, release) = releases(&[]).await;
    let server = world.start().await;
    let mut last = String::new();
    for version in ["1.0.0", "1.1.0"] {
        last = world.image("api", version).await;
        server.deployed(&Report::of("api", version, &last)).await;
    }
    (world, release, server, last)
}

async fn refused(world: &World, arguments: &[&str], code: &str) -> String {
    let outcome = world.cli(arguments).await;
    assert_eq!(outcome.code, 1, "{outcome}");
    let said = outcome.all();
    assert!(said.contains(code), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn what_succeeded_last_is_tagged_by_digest_and_promoted_under_its_tag() {
    let (world, release, server, digest) = succeeded().await;
    let create = ["release", "create", "storefront", "--bundle", "2026.11"];
    let tip = world.remote.tip().await;
    let dry = world.json(&[&create[..], &["--dry-run"]].concat()).await;
    assert_eq!(
        dry["release"]["passes"][0]["items"][0]["version"], "1.1.0",
        "{dry:#}"
    );
    assert_eq!(dry["dry_run"], true, "{dry:#}");
    let text = [&create[..], &["--dry-run"]].concat();
    let text = world.cli(&text).await.ok();
    assert!(text.ends_with("(--dry-run)\n"), "{text}");
    assert_eq!(world.tagged(&format!("api:{TAG}")), None);
    assert_eq!(world.remote.tip().await, tip, "a dry run writes nothing");

    let keyed = [&create[..], &["--idempotency-key", "k1"]].concat();
    let first = world.json(&keyed).await;
    assert_eq!(first["release"]["tag"], TAG, "{first:#}");
    assert!(first.get("dry_run").is_none(), "{first:#}");
    let ended = world.release_ends(NAME, "SUCCESS").await;
    assert_eq!(
        world.json(&keyed).await,
        first,
        "same key and body, same answer"
    );

    let item = &ended["passes"][0]["items"][0];
    assert_eq!(item["digest"], digest.as_str(), "{ended:#}");
    assert_eq!(world.tagged(&format!("api:{TAG}")), Some(digest.clone()));
    for (environment, port) in [
        ("staging", release.staging),
        ("production", release.production),
    ] {
        assert_eq!(world.written(environment).await, TAG);
        assert_eq!(served(port).await, "1.1.0", "{environment}");
    }
    assert_eq!(
        world.written("development").await,
        "1.1.0",
        "development keeps its own version"
    );
    let id = item["deployment_id"].as_str().unwrap();
    let deployment = server.api().settled(id).await;
    assert_eq!(
        (deployment.kind.as_str(), deployment.version.as_str()),
        ("RELEASE", TAG)
    );
    assert_eq!(
        (deployment.digest, deployment.requested_by.as_str()),
        (digest, "admin")
    );
    let mine = world.remote.trailers("Towpath-Deployment").await;
    assert_eq!(
        mine.iter().filter(|it| it.1 == id).count(),
        2,
        "one commit per stage"
    );

    refused(&world, &create, "already-released").await;
    let unknown = ["release", "create", "nowhere", "--bundle", "1"];
    refused(&world, &unknown, "unknown-application-set").await;
    let explained = world.explain(NAME).await;
    assert_eq!(explained["state"], "SUCCESS", "{explained:#}");
    assert_eq!(
        world.shown(TAG).await["id"],
        ended["id"],
        "a tag names its release"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_released_before_anything_succeeded() {
    let (world, _) = releases(&[]).await;
    let server = world.start().await;
    let create = ["release", "create", "storefront", "--bundle", "1"];
    refused(&world, &create, "nothing-succeeded").await;
    let token = world.token("dora", "developer").await;
    let outcome = world
        .towpath()
        .args(["--data", world.data.to_str().unwrap()])
        .args(create)
        .env("TOWPATH_TOKEN", &token)
        .run()
        .await;
    assert!(outcome.all().contains("not-allowed"), "{outcome}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_names_other_bytes_stops_the_pass_and_is_left_alone() {
    let (world, _, server, digest) = succeeded().await;
    let other = world.image("api", "9.9.9").await;
    let path = world.images().join("index.json");
    let mut index: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let entry = json!({
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": other, "size": 1,
        "annotations": { "org.opencontainers.image.ref.name": format!("api:{TAG}") },
    });
    index["manifests"].as_array_mut().unwrap().push(entry);
    std::fs::write(&path, index.to_string()).unwrap();

    world.release("2026.11").await;
    let failed = world.release_ends(NAME, "FAILED").await;
    let said = failed["message"].as_str().unwrap();
    assert!(
        said.contains(&other) && said.contains(&digest),
        "{failed:#}"
    );
    assert_eq!(
        world.tagged(&format!("api:{TAG}")),
        Some(other),
        "nothing was moved"
    );
    for environment in ["staging", "production"] {
        assert_eq!(world.written(environment).await, "", "nothing was written");
    }
    let explained = world.explain(NAME).await;
    assert!(
        explained["summary"].as_str().unwrap().contains("tag-taken"),
        "{explained:#}"
    );

    let again = world.release("2026.11").await;
    assert_eq!(again["tag"], "storefront-2026.11-rc.1", "{again:#}");
    world.release_ends(NAME, "SUCCESS").await;
    assert_eq!(world.written("production").await, "storefront-2026.11-rc.1");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_failed_is_retried_under_its_tag_or_followed_by_the_next_number() {
    let (world, release, server, _) = succeeded().await;
    let person = world.clone_of(&world.remote, "person").await;
    let file = "environments/staging/api.yaml";
    let probe = |from: &'static str, to: &'static str| {
        move |text: String| {
            assert!(text.contains(from), "{text}");
            text.replace(from, to)
        }
    };
    person.edit(file, probe("/healthz", "/nothing-there")).await;
    world.release("2026.11").await;
    let failed = world.release_ends(NAME, "FAILED").await;
    assert!(
        failed["message"].as_str().unwrap().contains("staging"),
        "{failed:#}"
    );
    assert_eq!(
        world.written("production").await,
        "",
        "it stopped at staging"
    );

    let again = world.release("2026.11").await;
    assert_eq!(again["tag"], "storefront-2026.11-rc.1");
    let failed = world.release_ends(NAME, "FAILED").await;
    person.edit(file, probe("/nothing-there", "/healthz")).await;
    let id = failed["passes"][1]["items"][0]["deployment_id"]
        .as_str()
        .unwrap();
    world.cli(&["deployments", "retry", id]).await.ok();
    let ended = world.release_is(NAME, |it| it["state"] == "SUCCESS").await;
    assert_eq!(
        ended["tag"], "storefront-2026.11-rc.1",
        "a retry keeps the tag"
    );
    assert_eq!(served(release.production).await, "1.1.0");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_is_killed_again_and_again_arrives_once() {
    let (world, release, server, digest) = succeeded().await;
    let mut random = settings().random("release-kill");
    let begun = world.release("2026.11").await;
    assert_eq!(begun["tag"], TAG);
    let mut moment = |until: u64| Duration::from_millis(random.random_range(0..until));
    tokio::time::sleep(moment(40)).await;
    server.kill9().await;
    // A server that starts goes on at once: kills hit whatever is next.
    for _ in 0..settings().form.pick(24, 6) {
        Server::start_and_kill(&world, moment(700)).await;
    }
    let server = world.start().await;
    world.release_ends(NAME, "SUCCESS").await;
    assert_eq!(served(release.production).await, "1.1.0");
    let id = world.shown(NAME).await["passes"][0]["items"][0]["deployment_id"].clone();
    let commits = world.remote.trailers("Towpath-Deployment").await;
    assert_eq!(
        commits.iter().filter(|it| id == it.1.as_str()).count(),
        2,
        "one per stage"
    );
    assert_eq!(world.tagged(&format!("api:{TAG}")), Some(digest));
    server.stop().await;

    let export = world.export().await;
    let reserved = export.events::<VersionReserved>("towpath.release.v1.VersionReserved");
    assert_eq!(reserved.len(), 1, "one number was given out");
    let tagged = export.events::<CandidateTagged>("towpath.release.v1.CandidateTagged");
    assert_eq!(tagged.len(), 1, "one tag was recorded");
    let ready = export.events::<ReleaseCandidateReady>("towpath.release.v1.ReleaseCandidateReady");
    assert_eq!(ready.len(), 1);
}
