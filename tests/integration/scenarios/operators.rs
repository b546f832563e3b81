//! What an operator of several processes can get wrong, and is told.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::harness::{Outcome, Report, Shape, World};

/// Runs a command on the stores as a NATS user.
async fn on_stores(world: &World, user: &str, arguments: &[&str]) -> Outcome {
    let stores = world.stores().await.unwrap();
    let data = world.data.to_str().unwrap();
    let program = world.towpath().args(["--data", data]).args(arguments);
    stores.within(program, world, user).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_runner_is_told_who_is_there_and_ends_nothing() {
    let world = World::of(["api"]).await.shaped(Shape::Split);
    let server = world.start().await;
    let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    server.deployed(&report).await;
    let before = world.processes().len();
    assert!(before > 0, "the application runs");
    let second = world.root().join("second-runner");
    let data = second.to_str().unwrap();
    let runner = world
        .towpath()
        .args(["--data", data, "serve", "--role", "runner"])
        .args(["--listen", "127.0.0.1:0"]);
    let stores = world.stores().await.unwrap();
    let refused = stores.within(runner, &world, "runner").run().await;
    assert_eq!(refused.code, 1, "{refused}");
    let first = world.root().join("runner");
    assert!(
        refused.stderr.contains("another-runner")
            && refused.stderr.contains(first.to_str().unwrap()),
        "{refused}"
    );
    assert_eq!(world.processes().len(), before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_on_the_stores_go_nowhere_else() {
    let world = World::of(["api"]).await.shaped(Shape::Split);
    let server = world.start().await;
    let file = world.export_to("log.export").await;
    let address = format!("http://{}", server.address);
    for command in [["log", "verify"], ["projections", "verify"]] {
        let asked = [&["--server", &address][..], &command].concat();
        let refused = on_stores(&world, "cd-manager", &asked).await;
        assert_eq!(refused.code, 2, "{refused}");
        assert!(refused.stderr.contains("server-not-asked"), "{refused}");
        on_stores(&world, "cd-manager", &command).await.ok();
    }
    let import = ["log", "import", file.to_str().unwrap()];
    let refused = on_stores(&world, "cd-manager", &import).await;
    assert_eq!(refused.code, 2, "{refused}");
    assert!(refused.stderr.contains("import-into-nats"), "{refused}");
    assert!(!world.data.join("log.db").exists());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_loses_nothing_of_a_log_with_other_settings_and_can_be_repeated() {
    let world = World::of(["api"]).await.shaped(Shape::Split);
    let server = world.start().await;
    let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    server.deployed(&report).await;
    // Until the archive holds what the log does.
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.stop().await;
    let restore = ["log", "restore", "--from", "archive", "--new-epoch"];
    let whole = on_stores(&world, "operator", &restore).await;
    assert_eq!(whole.code, 1, "{whole}");
    assert!(whole.stderr.contains("nothing-to-restore"), "{whole}");

    // As if the archive had been away when the last two commits were made.
    let stores = world.stores().await.unwrap();
    let forget = "SET session_replication_role = replica; DELETE FROM archive.log_archive WHERE position IN (SELECT position FROM \
                  archive.log_archive ORDER BY position DESC LIMIT 2)";
    stores.sql(&world, forget).await.ok();
    edit(&world, "TP_EVT").await;
    let restored = on_stores(&world, "operator", &restore).await.ok();
    assert!(
        restored.contains("2 commits were copied") && restored.contains("max_age"),
        "{restored}"
    );
    // Nobody has copied from the second epoch yet.
    edit(&world, "TP_EVT_2").await;
    let again = [&["--output", "json"][..], &restore].concat();
    let again = on_stores(&world, "operator", &again).await.ok();
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["epoch"], 3, "{again}");
    assert_eq!(again["completed"], 0, "{again}");
    assert!(again["not_compared"].is_null(), "{again}");
    let server = world.start().await;
    assert_eq!(server.api().deployments().await.len(), 1);
    server.stop().await;
}

/// Changes a setting of a stream behind our back.
async fn edit(world: &World, stream: &str) {
    let found = ask(world, &format!("STREAM.INFO.{stream}"), &json!({})).await;
    let mut config = found["config"].clone();
    config["max_age"] = json!(3_600_000_000_000_u64);
    let edited = ask(world, &format!("STREAM.UPDATE.{stream}"), &config).await;
    assert!(edited["error"].is_null(), "{edited}");
}

/// Asks JetStream as the operator.
async fn ask(world: &World, question: &str, body: &Value) -> Value {
    let stores = world.stores().await.unwrap();
    let password = std::fs::read_to_string(stores.password_file("operator")).unwrap();
    let address = stores.nats_url();
    let address = address.strip_prefix("nats://").unwrap();
    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    let connect = json!({ "verbose": false, "user": "operator", "pass": password.trim() });
    let inbox = "_INBOX_operator.ask";
    let body = body.to_string();
    let length = body.len();
    let text = format!(
        "CONNECT {connect}\r\nSUB {inbox} 1\r\nPUB $JS.API.{question} {inbox} {length}\r\n{body}\r\n"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        assert!(!line.starts_with("-ERR") && !line.is_empty(), "{line}");
        if line.starts_with("MSG ") {
            let length = line.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
            let mut answer = vec![0; length];
            stream.read_exact(&mut answer).await.unwrap();
            return serde_json::from_slice(&answer).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_does_not_get_on_is_seen_and_stops_nothing() {
    let world = World::of(["api"]).await.shaped(Shape::Split);
    let server = world.start().await;
    let stores = world.stores().await.unwrap();
    let hold = "BEGIN; LOCK TABLE archive.log_archive; SELECT pg_sleep(6); COMMIT;";
    let deploy = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
        server.deployed(&report).await;
        server.api().quiet().await;
        let status = world.json(&["status"]).await;
        let behind = |of: &str| status["log_position"].as_u64() > status[of].as_u64();
        assert!(behind("archive_position"), "{status:#}");
        let text = world.cli(&["status"]).await.ok();
        let archive = text.lines().find(|it| it.starts_with("archive")).unwrap();
        assert!(archive.ends_with("commits behind"), "{text}");
    };
    let (held, ()) = tokio::join!(stores.sql(&world, hold), deploy);
    held.ok();
    loop {
        let status = world.json(&["status"]).await;
        if status["log_position"] == status["archive_position"] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    server.stop().await;
}
