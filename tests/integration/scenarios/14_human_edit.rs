//! A person changes the version in git, past Towpath.

use hyper::Method;
use proto::delivery::v1::ExplainResponse;

use crate::harness::{Git, Report, Server, World, http};

fn fact<'a>(explanation: &'a ExplainResponse, name: &str) -> Option<&'a str> {
    explanation
        .facts
        .iter()
        .find(|it| it.name == name)
        .map(|it| it.value.as_str())
}

async fn served(world: &World) -> String {
    let address = world.app(0).address();
    let answer = http(&address, Method::GET, "/version", &[], Vec::new())
        .await
        .unwrap();
    answer.text().trim().to_owned()
}

/// Two versions known, the second one running; and a person with a clone.
async fn world() -> (World, Server, Git) {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    for version in ["1.0.0", "1.1.0"] {
        let digest = world.image("api", version).await;
        server.deployed(&Report::of("api", version, &digest)).await;
    }
    let person = world
        .clone_of(&world.remote, "ada")
        .await
        .by("Ada Author", "ada@example.com");
    (world, server, person)
}

async fn write(world: &World, person: &Git, from: &str, to: &str) -> String {
    let edit = |text: String| {
        assert!(text.contains(from), "{from} is not in {text}");
        text.replace(from, to)
    };
    person.edit(&world.app(0).file(), edit).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_taken_back_by_hand_before_the_next_look_is_seen_all_the_same() {
    let (world, server, person) = world().await;
    server.stop().await;
    let settings = world.data.join("towpath.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let slowly = text.replace("look_every_ms = 1000", "look_every_ms = 4000");
    assert_ne!(slowly, text);
    std::fs::write(&settings, slowly).unwrap();
    let server = world.start().await;
    // The first look is at once and sees 1.1.0; ours and theirs come between it and the second.
    server.api().quiet().await;
    let digest = world.image("api", "1.2.0").await;
    server.deployed(&Report::of("api", "1.2.0", &digest)).await;
    let commit = write(&world, &person, "1.2.0", "1.1.0").await;
    let is_done = |it: &ExplainResponse| it.state == "HELD" && fact(it, "version") == Some("1.1.0");
    let held = server.api().explained("development/api", is_done).await;
    assert_eq!(fact(&held, "manual_change_commit"), Some(commit.as_str()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_version_written_by_hand_is_deployed_and_the_slot_is_held() {
    let (world, server, person) = world().await;
    let commit = write(&world, &person, "1.1.0", "1.0.0").await;
    let is_done = |it: &ExplainResponse| it.state == "HELD" && fact(it, "version") == Some("1.0.0");
    let held = server.api().explained("development/api", is_done).await;
    assert_eq!(
        fact(&held, "manual_change_commit"),
        Some(commit.as_str()),
        "{held:#?}"
    );
    let author = fact(&held, "manual_change_author").unwrap_or_default();
    assert!(author.contains("Ada Author"), "{held:#?}");
    assert_eq!(served(&world).await, "1.0.0");
    assert_eq!(
        world.remote.tip().await,
        commit,
        "nothing is written on top of it"
    );

    // What comes next waits, says for what, and goes on when the hold is released.
    let next = Report::of("api", "1.2.0", &world.image("api", "1.2.0").await);
    let id = server.deploy(&next).await;
    let is_held = |it: &ExplainResponse| it.waiting.iter().any(|it| it.on == "hold");
    let waiting = server.api().explained(&id, is_held).await;
    let hold = waiting.waiting.iter().find(|it| it.on == "hold").unwrap();
    for part in [&hold.why, &hold.who_can_act, &hold.next] {
        assert!(!part.is_empty(), "{hold:#?}");
    }
    assert_eq!(served(&world).await, "1.0.0");
    let holds = world.json(&["hold", "list"]).await;
    let holds = holds["holds"].as_array().unwrap();
    assert_eq!(holds.len(), 1, "{holds:#?}");
    world
        .cli(&["hold", "release", holds[0]["id"].as_str().unwrap()])
        .await
        .ok();
    server.api().succeeded(&id).await;
    assert_eq!(served(&world).await, "1.2.0");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_version_written_by_hand_is_named_and_nothing_is_restarted() {
    let (world, server, person) = world().await;
    let before = world.processes();
    let commit = write(&world, &person, "1.1.0", "9.9.9").await;
    let is_seen = |it: &ExplainResponse| it.state == "UNKNOWN_VERSION";
    let unknown = server.api().explained("development/api", is_seen).await;
    let named = fact(&unknown, "unknown_version").unwrap_or_default();
    assert!(named.contains("9.9.9"), "{unknown:#?}");
    assert_eq!(fact(&unknown, "version"), Some("1.1.0"), "{unknown:#?}");
    assert_eq!(
        fact(&unknown, "manual_change_commit"),
        Some(commit.as_str()),
        "{unknown:#?}"
    );
    assert_eq!(world.processes(), before, "nothing is restarted");
    assert_eq!(served(&world).await, "1.1.0");
    assert_eq!(
        server.api().deployments().await.len(),
        2,
        "it is no deployment"
    );
    assert_eq!(
        world.remote.tip().await,
        commit,
        "nothing is written on top of it"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_beside_the_version_is_not_a_change_of_it() {
    let (world, server, person) = world().await;
    write(
        &world,
        &person,
        "# written by deployments",
        "# written by Towpath",
    )
    .await;
    let next = Report::of("api", "1.2.0", &world.image("api", "1.2.0").await);
    server.deployed(&next).await;
    let text = String::from_utf8(world.remote.file(&world.app(0).file()).await).unwrap();
    assert!(
        text.contains("# written by Towpath") && text.contains("1.2.0"),
        "{text}"
    );
    let slot = server.api().explained("development/api", |_| true).await;
    assert_eq!(slot.state, "IDLE", "{slot:#?}");
    server.stop().await;
}
