//! Read models are made from the log: they can be thrown away, compared, and made elsewhere.

use serde_json::Value;

use crate::harness::{Options, Report, Server, World};

const LIST: [&str; 4] = ["--output", "json", "deployments", "list"];
const SHOW: [&str; 5] = ["--output", "json", "environments", "show", "development"];

/// Three applications with some past: successes, something superseded, a rollback, a hold.
async fn history() -> (World, Server) {
    let world = World::of(["api", "mail", "shop"]).await;
    let sources = world.clone_of(&world.source, "developer").await;
    let parent = sources
        .commit([("file", b"parent".as_slice())], "Parent")
        .await;
    let child = sources
        .commit([("file", b"child".as_slice())], "Child")
        .await;
    sources.run(&["push", "-q", "origin", "HEAD:main"]).await;
    let server = world.start().await;
    for version in ["1.0.0", "1.1.0"] {
        for app in ["api", "mail"] {
            let digest = world.image(app, version).await;
            server.deployed(&Report::of(app, version, &digest)).await;
        }
    }
    let newer = Report::of("shop", "2.0.0", &world.image("shop", "2.0.0").await);
    let older = Report::of("shop", "1.0.0", &world.image("shop", "1.0.0").await);
    server.deployed(&newer.at_commit(&child)).await;
    let late = server.deploy(&older.at_commit(&parent)).await;
    server.api().settled(&late).await;
    let rollback = world
        .json(&[
            "rollback",
            "mail",
            "--env",
            "development",
            "--reason",
            "mails twice",
        ])
        .await;
    server
        .api()
        .succeeded(rollback["deployment_id"].as_str().unwrap())
        .await;
    // A rollback is noted on what it took back a moment after it has succeeded.
    server.api().quiet().await;
    (world, server)
}

/// What people see, byte by byte.
async fn views(world: &World) -> [String; 2] {
    [world.cli(&LIST).await.ok(), world.cli(&SHOW).await.ok()]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_database_made_anew_shows_the_same_bytes() {
    let (world, server) = history().await;
    let before = views(&world).await;
    let list: Value = serde_json::from_str(&before[0]).unwrap();
    assert_eq!(list["deployments"].as_array().unwrap().len(), 7, "{list:#}");
    server.stop().await;
    world.forget_read_models().await;
    let server = world.start().await;
    assert_eq!(views(&world).await, before);
    server.stop().await;
    world.cli(&["projections", "rebuild"]).await.ok();
    world.cli(&["projections", "verify"]).await.ok();
    let server = world.start().await;
    assert_eq!(views(&world).await, before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_log_is_the_same_installation_elsewhere() {
    let (world, server) = history().await;
    let before = views(&world).await;
    server.stop().await;
    let [first, second] = ["first.export", "second.export"].map(|it| world.root().join(it));
    let imported = world.root().join("imported");
    world
        .cli(&["log", "export", first.to_str().unwrap()])
        .await
        .ok();
    world
        .cli_on(&imported, &["log", "import", first.to_str().unwrap()])
        .await
        .ok();
    world.cli_on(&imported, &["log", "verify"]).await.ok();
    world
        .cli_on(&imported, &["log", "export", second.to_str().unwrap()])
        .await
        .ok();
    let [first_bytes, second_bytes] = [&first, &second].map(|it| std::fs::read(it).unwrap());
    assert!(
        first_bytes == second_bytes,
        "the same heads: the same export"
    );

    // Nothing is imported over something.
    let again = world
        .cli_on(&imported, &["log", "import", first.to_str().unwrap()])
        .await;
    assert_eq!(again.code, 1, "{again}");
    // Nor half of something.
    let cut = world.root().join("cut.export");
    std::fs::write(&cut, &first_bytes[..first_bytes.len() - 40]).unwrap();
    let half = world.root().join("half");
    let refused = world
        .cli_on(&half, &["log", "import", cut.to_str().unwrap()])
        .await;
    assert_ne!(refused.code, 0, "{refused}");

    let options = Options {
        data: Some(imported.clone()),
        ..Options::default()
    };
    let server = Server::start(&world, &options)
        .await
        .unwrap_or_else(|it| panic!("{it}"));
    let list: Value = serde_json::from_str(&before[0]).unwrap();
    let there: Value = serde_json::from_str(&world.cli_on(&imported, &LIST).await.ok()).unwrap();
    assert_eq!(list["deployments"], there["deployments"]);
    assert_eq!(world.cli_on(&imported, &SHOW).await.ok(), before[1]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_differences_are_found_by_table_and_key_sqlite3_shell() {
    let (world, server) = history().await;
    server.stop().await;
    let ids = world
        .sql("SELECT id FROM deployments ORDER BY position;")
        .await;
    world.cli(&["projections", "verify"]).await.ok();
    let changed = format!(
        "UPDATE deployments SET state = 'FAILED' WHERE id = '{}';",
        ids[0]
    );
    let lost = format!(
        "DELETE FROM deployment_places WHERE deployment_id = '{}';",
        ids[1]
    );
    let extra = format!(
        "CREATE TEMP TABLE one AS SELECT * FROM deployments WHERE id = '{}';
         UPDATE one SET id = 'planted';
         INSERT INTO deployments SELECT * FROM one;",
        ids[2]
    );
    for sql in [&changed, &lost, &extra] {
        world.sql(sql).await;
    }
    let verify = world.cli(&["projections", "verify"]).await;
    assert_eq!(verify.code, 1, "{verify}");
    let text = verify.all();
    let has = |words: &[&str]| {
        text.lines()
            .any(|it| words.iter().all(|word| it.contains(word)))
    };
    assert!(
        has(&["deployments", &ids[0], "state", "FAILED", "SUCCESS"]),
        "{verify}"
    );
    assert!(has(&["deployment_places", &ids[1], "lost"]), "{verify}");
    assert!(has(&["deployments", "planted"]), "{verify}");
    let innocent = ids[3..].iter().filter(|it| text.contains(*it));
    assert_eq!(innocent.count(), 0, "{verify}");
    world.cli(&["projections", "rebuild"]).await.ok();
    world.cli(&["projections", "verify"]).await.ok();
}
