//! What a deployment changes is exactly what lies between two commits.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::harness::{Git, Report, Server, World};

async fn world() -> (World, Server, Git) {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let person = world.clone_of(&world.source, "developer").await;
    (world, server, person)
}

/// Commits with these subjects; the last of them.
async fn work(person: &Git, subjects: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for subject in subjects {
        all.push(person.commit([("work", subject.as_bytes())], subject).await);
    }
    person.run(&["push", "-q", "origin", "HEAD:main"]).await;
    all
}

/// The changelog of a deployment once it is written.
async fn changelog(world: &World, id: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let json = world.json(&["changelog", id]).await["changelog"].take();
        if json["state"] != "PENDING" {
            return json;
        }
        assert!(Instant::now() < end, "{json:#}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn told<'a>(json: &'a Value, side: &str) -> Vec<(&'a str, &'a str)> {
    let side = &json[side];
    let lists = ["shown", "left_out"].into_iter();
    let all = lists.flat_map(|it| side[it].as_array().unwrap());
    all.map(|it| {
        (
            it["commit"].as_str().unwrap(),
            it["subject"].as_str().unwrap(),
        )
    })
    .collect()
}

async fn deployed(world: &World, server: &Server, version: &str, commit: &str) -> String {
    let digest = world.image("api", version).await;
    let report = Report::of("api", version, &digest).at_commit(commit);
    server.deployed(&report).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changelog_lists_exactly_the_commits_between() {
    let (world, server, person) = world().await;
    let first = work(&person, &["feat: one"]).await;
    let before = deployed(&world, &server, "1.0.0", &first[0]).await;
    let more = work(&person, &["fix: two", "feat: three", "docs: four"]).await;
    let id = deployed(&world, &server, "1.1.0", &more[2]).await;

    let json = changelog(&world, &id).await;
    assert_eq!(json["state"], "GENERATED", "{json:#}");
    assert_eq!(
        (&json["from_version"], &json["to_version"]),
        (&"1.0.0".into(), &"1.1.0".into())
    );
    let mut commits = told(&json, "added");
    commits.sort_unstable();
    let mut expected = [
        (more[0].as_str(), "fix: two"),
        (more[1].as_str(), "feat: three"),
        (more[2].as_str(), "docs: four"),
    ];
    expected.sort_unstable();
    assert_eq!(commits, expected, "{json:#}");
    assert_eq!(
        (&json["added_count"], &json["removed_count"]),
        (&3.into(), &0.into())
    );
    let author = &json["added"]["shown"][0]["author"];
    assert_eq!(author["name"], "Wilma Person", "{json:#}");
    let hidden = &json["added"]["left_out"][0];
    assert_eq!(hidden["reason"], "hidden-type", "{json:#}");
    // The first one is compared with nothing: everything came with it.
    let json = changelog(&world, &before).await;
    assert_eq!(
        (&json["from_commit"], &json["added_count"]),
        (&"".into(), &2.into()),
        "{json:#}"
    );

    let back = world
        .json(&["rollback", "api", "--env", "development"])
        .await;
    let json = changelog(&world, back["deployment_id"].as_str().unwrap()).await;
    assert_eq!(
        (&json["added_count"], &json["removed_count"]),
        (&0.into(), &3.into()),
        "{json:#}"
    );
    assert_eq!(told(&json, "removed").len(), 3);
    let text = world.cli(&["changelog", &id[..8]]).await.ok();
    assert!(
        text.contains("3 commit(s) added") && text.contains("Features (1)\n  - three ("),
        "{text}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_say_is_said() {
    let (world, server, _) = world().await;
    let digest = world.image("api", "1.0.0").await;
    let id = server.deployed(&Report::of("api", "1.0.0", &digest)).await;
    let json = changelog(&world, &id).await;
    assert_eq!(json["state"], "UNAVAILABLE", "{json:#}");
    assert!(
        json["message"].as_str().unwrap().contains("no-commit"),
        "{json:#}"
    );
    let unknown = "b".repeat(40);
    let digest = world.image("api", "1.0.1").await;
    let report = Report::of("api", "1.0.1", &digest).at_commit(&unknown);
    let json = changelog(&world, &server.deployed(&report).await).await;
    assert_eq!(json["state"], "UNAVAILABLE", "{json:#}");
    server.stop().await;
}
