//! Manifests that cannot be used are named, waited for, and changed by nobody but their authors.

use std::path::PathBuf;

use proto::delivery::v1::ExplainResponse;

use crate::harness::{Git, Options, Report, World};

/// Manifests with one mistake each, and what its message must name.
fn mistakes(world: &World) -> Vec<(String, String, &'static str)> {
    let app = world.app(0);
    let file = app.file();
    let files = world
        .manifests
        .files(&world.root().join("images"), world.source.path());
    let config = &files[&file];
    let change = |from: &str, to: &str| {
        assert!(config.contains(from), "{from}");
        config.replace(from, to)
    };
    let port = format!("{}: http", app.port);
    vec![
        (file.clone(), change(&port, "-1: http"), "-1"),
        (file.clone(), change(&port, "99999: http"), "99999"),
        (
            file.clone(),
            change("environment: development, ", ""),
            "environment",
        ),
        (file.clone(), change("version:", "verison:"), "version"),
        (file.clone(), change("spec:\n", "spec: [\n"), "syntax"),
        (file, change("project: web", "project: wbe"), "web"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_in_the_manifests_is_named_by_file_line_and_column() {
    let world = World::of(["api"]).await;
    let clone = world.clone_of(&world.remote, "wilma").await;
    world
        .cli(&["manifests", "validate", clone.path().to_str().unwrap()])
        .await
        .ok();
    for (file, text, named) in mistakes(&world) {
        let path = clone.path().join(&file);
        let right = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text).unwrap();
        let outcome = world
            .cli(&["manifests", "validate", clone.path().to_str().unwrap()])
            .await;
        assert_eq!(outcome.code, 1, "{text}\n{outcome}");
        let all = outcome.all();
        let place = all
            .split(&format!("{file}:"))
            .nth(1)
            .unwrap_or_else(|| panic!("{outcome}"));
        let numbers: Vec<_> = place
            .split(|it: char| !it.is_ascii_digit())
            .take(2)
            .collect();
        assert!(
            numbers
                .iter()
                .all(|it| it.parse::<u32>().is_ok_and(|it| it > 0)),
            "{outcome}"
        );
        assert!(all.contains(named), "{named}: {outcome}");
        std::fs::write(&path, right).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manifests_that_broke_stop_a_promotion_and_mended_ones_let_it_through() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let clone = world.clone_of(&world.remote, "wilma").await;
    let file = world.app(0).file();
    let port = format!("{}: http", world.app(0).port);
    let broken = clone
        .edit(&file, |text| text.replace(&port, "-1: http"))
        .await;
    let id = server.deploy(&report).await;
    let names_it = |it: &ExplainResponse| it.waiting.iter().any(|it| it.why.contains(&file));
    let explanation = server.api().explained(&id, names_it).await;
    let waiting = explanation
        .waiting
        .iter()
        .find(|it| it.why.contains(&file))
        .unwrap();
    assert!(
        !waiting.who_can_act.is_empty() && !waiting.next.is_empty(),
        "{waiting:#?}"
    );
    assert_eq!(world.remote.tip().await, broken, "no commit on top of it");
    let status = world.json(&["status"]).await;
    assert!(
        status["manifest_problems"].to_string().contains(&file),
        "{status:#}"
    );
    clone
        .edit(&file, |text| text.replace("-1: http", &port))
        .await;
    world.cli(&["deployments", "retry", &id]).await.ok();
    server.api().succeeded(&id).await;
    assert_eq!(world.remote.trailers("Towpath-Deployment").await.len(), 1);
    server.stop().await;
}

/// Repositories that cannot be used, and the code of each.
async fn unusable(world: &World) -> Vec<(PathBuf, &'static str)> {
    let at = |name: &str| world.root().join(name);
    std::fs::create_dir(at("nothing")).unwrap();
    let home = world.home();
    Git::init_bare(&at("empty.git"), &home).await;
    let from = format!("file://{}", world.remote.path().display());
    let (shallow, to) = (at("shallow.git"), at("shallow.git"));
    let clone = world.clone_of(&world.remote, "deep").await;
    clone.edit("more", |_| "more\n".to_owned()).await;
    let to = to.to_str().unwrap();
    clone
        .run(&["clone", "-q", "--bare", "--depth", "1", &from, to])
        .await;
    vec![
        (at("nowhere"), "git-unreachable"),
        (at("nothing"), "git-not-a-repository"),
        (at("empty.git"), "git-empty"),
        (shallow, "git-shallow"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_cannot_be_used_is_refused_at_start() {
    let world = World::of(["api"]).await;
    for (path, code) in unusable(&world).await {
        let path = path.to_str().unwrap().to_owned();
        let options = Options {
            manifests: Some(path.clone()),
            ..Options::default()
        };
        let refusal = world.refusal(&options).await;
        assert_eq!(refusal.code, 1, "{code}: {refusal}");
        assert!(
            refusal.stderr.contains(&format!("error[{code}]: ")),
            "{code}: {refusal}"
        );
        assert!(refusal.stderr.contains(&path), "{code}: {refusal}");
        let init = world.cli(&["init", "--manifests", &path]).await;
        assert_eq!(init.code, 1, "{init}");
    }
    // Nothing of it stuck: the right one is taken at once.
    let server = world.start().await;
    server
        .deployed(&Report::of(
            "api",
            "1.0.0",
            &world.image("api", "1.0.0").await,
        ))
        .await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_branch_is_waited_for_and_named() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let tip = world.remote.tip().await;
    let lock = world.remote.path().join("refs/heads/main.lock");
    std::fs::write(&lock, "").unwrap();
    let id = server.deploy(&report).await;
    let waiting = server
        .api()
        .explained(&id, |it| format!("{it:?}").contains("lock"))
        .await;
    assert_ne!(waiting.state, "SUCCESS", "{waiting:#?}");
    assert_eq!(world.remote.tip().await, tip, "nothing was written");
    std::fs::remove_file(&lock).unwrap();
    server.api().succeeded(&id).await;
    assert_eq!(world.remote.trailers("Towpath-Deployment").await.len(), 1);
    server.stop().await;
}
