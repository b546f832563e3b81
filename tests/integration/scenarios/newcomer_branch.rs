//! What somebody stumbled over who used it for the first time: a branch that is rewritten, broken
//! or away.

use proto::delivery::v1::ExplainResponse;
use serde_json::Value;

use super::newcomer::{eventually, ran, serves};
use crate::harness::{Answer, Report, World};

fn fact<'a>(explanation: &'a ExplainResponse, name: &str) -> Option<&'a str> {
    let mut facts = explanation.facts.iter();
    facts.find(|it| it.name == name).map(|it| it.value.as_str())
}

/// A force-push by which the branch holds 1.0.0 again, with a commit of its own on top or not.
async fn a_force_push_is_noticed(with_commit: bool) {
    let (world, server) = ran(&["1.0.0", "1.1.0"]).await;
    let person = world
        .clone_of(&world.remote, "ada")
        .await
        .by("Ada Author", "ada@example.com");
    person.run(&["reset", "-q", "--hard", "HEAD~1"]).await;
    if with_commit {
        let message = ["commit", "-q", "--allow-empty", "-m", "Begin anew"];
        person.run(&message).await;
    }
    person
        .run(&["push", "-q", "-f", "origin", "HEAD:main"])
        .await;
    let tip = world.remote.tip().await;
    let is_done = |it: &ExplainResponse| it.state == "HELD" && fact(it, "version") == Some("1.0.0");
    let held = server.api().explained("development/api", is_done).await;
    assert_eq!(fact(&held, "written_version"), Some("1.0.0"), "{held:#?}");
    let commit = fact(&held, "manual_change_commit").unwrap_or_default();
    assert!(
        world.remote.ancestry().await.contains(commit),
        "it names a commit of the branch as it is: {held:#?}"
    );
    let why = held.waiting.iter().map(|it| it.why.as_str());
    assert!(
        why.clone().any(|it| it.contains("1.0.0")),
        "it says what happened: {held:#?}"
    );
    serves(&world, "1.0.0").await;
    assert_eq!(world.remote.tip().await, tip, "nothing is written on top");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_force_push_that_takes_a_version_back_is_noticed() {
    a_force_push_is_noticed(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_force_push_with_a_commit_of_its_own_is_noticed() {
    a_force_push_is_noticed(true).await;
}

/// Whether the text names a line and a column of the file.
fn names_place(text: &str, file: &str) -> bool {
    let begin = format!("{file}:");
    text.match_indices(&begin).any(|(at, _)| {
        let rest = &text[at + begin.len()..];
        let mut parts = rest.splitn(3, ':');
        let is_number = |it: Option<&str>| {
            it.is_some_and(|it| it.parse::<u32>().is_ok_and(|number| number > 0))
        };
        is_number(parts.next()) && is_number(parts.next())
    })
}

#[track_caller]
fn is_unusable(answer: &Answer, file: &str) {
    let error = answer.json()["error"].clone();
    assert_eq!(error["code"], "manifests-unusable", "{file}: {error:#}");
    assert_eq!(answer.status, 409, "{file}: {error:#}");
    let message = error["message"].as_str().unwrap();
    assert!(names_place(message, file), "{file}: {error:#}");
    let fix = error["fix"].as_str().unwrap();
    assert!(!fix.is_empty(), "{file}: {error:#}");
}

/// Breaks a file, reports a build, mends the file and reports again.
async fn report_while_broken(file: &str) {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let person = world.clone_of(&world.remote, "ada").await;
    let mut right = String::new();
    let breaking = |text: String| {
        right.clone_from(&text);
        format!("{text}  bad: [\n")
    };
    let broken = person.edit(file, breaking).await;
    is_unusable(&server.report(&report).await, file);
    assert_eq!(server.api().deployments().await, []);
    assert_eq!(world.remote.tip().await, broken, "nothing was written");
    person.edit(file, |_| right).await;
    server.deployed(&report).await;
    serves(&world, "1.0.0").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_refused_while_the_file_of_its_track_is_broken() {
    report_while_broken("track.yaml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_refused_while_the_file_of_its_application_is_broken() {
    report_while_broken("applications/api.yaml").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_nothing_was_made_of_goes_where_its_application_appears() {
    let world = World::of(["api"]).await;
    let person = world.clone_of(&world.remote, "ada").await;
    let (file, config) = ("applications/api.yaml", world.app(0).file());
    let read = |path: &str| std::fs::read(person.path().join(path)).unwrap();
    let whole = [(file, read(file)), (config.as_str(), read(&config))];
    let only_definition = |text: String| text.split("---").next().unwrap().to_owned();
    person.edit(&config, |_| "# Later.\n".to_owned()).await;
    person.edit(file, only_definition).await;
    let server = world.start().await;
    let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let answer = server.report(&report).await.json();
    assert_eq!(answer["state"], "UNMATCHED", "{answer:#}");
    let build = answer["build_id"].as_str().unwrap();
    let files = whole.iter().map(|(path, bytes)| (*path, bytes.as_slice()));
    person.commit(files, "Run it").await;
    person.run(&["push", "-q", "origin", "HEAD:main"]).await;
    let is_routed = |it: &ExplainResponse| it.state == "ROUTED";
    let routed = server.api().explained(build, is_routed).await;
    let id = fact(&routed, "deployment").unwrap_or_else(|| panic!("{routed:#?}"));
    // The deployment is made of the build, a moment later.
    eventually("its deployment is there", async || {
        server.api().explain(id).await.ok()
    })
    .await;
    server.api().succeeded(id).await;
    serves(&world, "1.0.0").await;
    assert_eq!(server.api().deployments().await.len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_without_the_remote_starts_the_applications_and_goes_on_when_it_is_back() {
    let (world, server) = ran(&["1.0.0"]).await;
    let (remote, away) = (world.remote.path(), world.root().join("away.git"));
    server.kill9().await;
    world.end_processes();
    std::fs::rename(remote, &away).unwrap();
    let server = world.start().await;
    serves(&world, "1.0.0").await;
    let slot: Value = world.explain("development/api").await;
    assert_eq!(slot["state"], "IDLE", "{slot:#}");
    std::fs::rename(&away, remote).unwrap();
    let next = Report::of("api", "1.1.0", &world.image("api", "1.1.0").await);
    server.deployed(&next).await;
    serves(&world, "1.1.0").await;

    // The same when only the branch is gone.
    server.kill9().await;
    world.end_processes();
    let tip = world.remote.tip().await;
    let reference = "refs/heads/main";
    world.remote.run(&["update-ref", "-d", reference]).await;
    let server = world.start().await;
    serves(&world, "1.1.0").await;
    world.remote.run(&["update-ref", reference, &tip]).await;
    let next = Report::of("api", "1.2.0", &world.image("api", "1.2.0").await);
    server.deployed(&next).await;
    serves(&world, "1.2.0").await;
    server.stop().await;
}
