//! What somebody stumbled over who used it for the first time: applications that fail. The files
//! beside this one have the rest, and use what is here.

use std::time::Duration;

use hyper::Method;
use serde_json::Value;
use tokio::time::timeout;

use crate::harness::{Manifests, Program, Report, Server, World, http};

/// What has to happen by itself happens within this time.
const SOON: Duration = Duration::from_secs(20);

/// What the first application's port answers, if anything.
async fn version_of(world: &World) -> Option<String> {
    let address = world.app(0).address();
    let answer = http(&address, Method::GET, "/version", &[], Vec::new()).await;
    let answer = answer.ok().filter(|it| it.status == 200)?;
    Some(answer.text().trim().to_owned())
}

/// Looks again and again until there is what is wanted.
pub(super) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            if let Some(found) = look().await {
                break found;
            }
        }
    };
    let found = timeout(SOON, looking).await;
    found.unwrap_or_else(|_| panic!("{what}: not so in {SOON:?}"))
}

/// Waits until the first application's port answers this version.
pub(super) async fn serves(world: &World, version: &str) {
    let what = format!("{} serves {version}", world.app(0).address());
    eventually(&what, async || {
        version_of(world).await.filter(|it| it == version)
    })
    .await;
}

/// A world in which `api` has run these versions, the last one now.
pub(super) async fn ran(versions: &[&str]) -> (World, Server) {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    for version in versions {
        let digest = world.image("api", version).await;
        server.deployed(&Report::of("api", version, &digest)).await;
    }
    (world, server)
}

/// A command on the world's data directory, by the admin.
pub(super) fn command(world: &World, arguments: &[&str]) -> Program {
    let data = world.data.to_str().unwrap();
    world.towpath().args(["--data", data]).args(arguments)
}

/// The same by whoever has the token.
pub(super) fn command_as(world: &World, token: &str, arguments: &[&str]) -> Program {
    command(world, arguments).env("TOWPATH_TOKEN", token)
}

/// A command that must be refused: with this exit status, this code, a fix. Gives all it printed.
pub(super) async fn refused(command: Program, exit: i32, code: &str) -> String {
    let outcome = command.run().await;
    assert_eq!(outcome.code, exit, "{outcome}");
    let begin = format!("error[{code}]: ");
    assert!(outcome.stderr.starts_with(&begin), "{code}: {outcome}");
    assert!(outcome.stderr.contains("\n  fix: "), "{outcome}");
    outcome.all()
}

/// How often something happened, by a subject's story.
fn times(explanation: &Value, event: &str) -> usize {
    let timeline = explanation["timeline"].as_array().unwrap();
    let is_it = |it: &&Value| it["event"].as_str().is_some_and(|it| it.contains(event));
    timeline.iter().filter(is_it).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_deployment_runs_again_when_told_to_and_succeeds_once_its_cause_is_mended() {
    let (world, server) = ran(&["1.0.0"]).await;
    let report = Report::of("api", "1.1.0", &world.image("api", "1.1.0").await);
    let (images, away) = (world.root().join("images"), world.root().join("away"));
    std::fs::rename(&images, &away).unwrap();
    let id = server.deploy(&report).await;
    assert_eq!(server.api().settled(&id).await.state, "FAILED");

    // With the cause still there it fails again, and does not wait for ever.
    world.cli(&["deployments", "retry", &id]).await.ok();
    let again = eventually("it failed twice", async || {
        let story = world.explain(&id).await;
        (times(&story, "RunFailed") == 2 && story["state"] == "FAILED").then_some(story)
    })
    .await;
    assert_eq!(again["waiting"], serde_json::json!([]), "{again:#}");
    serves(&world, "1.0.0").await;

    std::fs::rename(&away, &images).unwrap();
    world.cli(&["deployments", "retry", &id]).await.ok();
    server.api().succeeded(&id).await;
    serves(&world, "1.1.0").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_start_shows_the_last_output_of_the_application() {
    let mut manifests = Manifests::of(["api", "shop"]);
    manifests.apps[0].unhealthy_threshold = 1;
    let world = World::with(manifests, &[]).await;
    let server = world.start().await;
    let mut failed = Vec::new();
    for (app, ends_by_itself) in [("api", false), ("shop", true)] {
        let digest = world.broken_image(app, "1.0.0", "no database").await;
        let id = server.deploy(&Report::of(app, "1.0.0", &digest)).await;
        if ends_by_itself {
            eventually("it is starting", async || world.processes().pop()).await;
            world.end_processes();
        }
        assert_eq!(server.api().settled(&id).await.state, "FAILED", "{app}");
        failed.push((app, id));
    }
    for (app, id) in &failed {
        let output = format!("{app} 1.0.0 listens on 127.0.0.1:");
        let json = world.explain(id).await;
        assert!(json["timeline"].to_string().contains(&output), "{json:#}");
        let text = world.cli(&["explain", id]).await.ok();
        assert!(text.contains(&output), "{output}: {text}");
    }
    server.stop().await;
}

/// What `status` says about applications that are not well, as JSON and as text.
async fn unwell(world: &World) -> (String, String) {
    let json = world.json(&["status"]).await;
    (
        json["unwell"].to_string(),
        world.cli(&["status"]).await.ok(),
    )
}

fn names_it((json, text): &(String, String)) -> bool {
    let is_line = |it: &str| it.starts_with("unwell ") && it.contains("development/api: ");
    json.contains("development/api: ") && text.lines().any(is_line)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_ends_again_and_again_is_named_by_status_while_it_serves() {
    let (world, server) = ran(&["1.0.0"]).await;
    let well = unwell(&world).await;
    assert!(!names_it(&well), "{well:?}");
    for _ in 0..5 {
        let before = world.processes();
        world.end_processes();
        eventually("it is started again", async || {
            let now = world.processes();
            (!now.is_empty() && now != before).then_some(())
        })
        .await;
        serves(&world, "1.0.0").await;
    }
    // It answers now, as it does most of the time: that it does not last is what matters.
    let seen = unwell(&world).await;
    assert!(names_it(&seen), "{seen:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_does_not_come_up_again_is_named_by_status() {
    let (world, server) = ran(&["1.0.0"]).await;
    // The sample ends with 1 when it cannot read its version.
    let broken = break_unpacked(&world.data.join("rootfs"));
    assert_eq!(broken, 1, "one image is unpacked");
    world.end_processes();
    eventually("status names it", async || {
        names_it(&unwell(&world).await).then_some(())
    })
    .await;
    server.stop().await;
}

/// Takes every file `version` below from the sample application; says how many there were.
fn break_unpacked(directory: &std::path::Path) -> usize {
    let mut broken = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            broken += break_unpacked(&path);
        } else if path.ends_with("app/version") {
            std::fs::remove_file(path).unwrap();
            broken += 1;
        }
    }
    broken
}
