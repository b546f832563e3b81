//! What is answered about the past is what was answered then.

use serde_json::Value;

use crate::harness::{Program, Report, World};

/// What was answered, and when.
struct Then {
    time: String,
    /// The last commit, as `aggregate@version`.
    commit: String,
    answers: Vec<Value>,
}

async fn ask(world: &World, id: &str, more: &[&str]) -> Vec<Value> {
    let mut answers = Vec::new();
    for question in [
        &["deployments", "list"][..],
        &[
            "deployments",
            "list",
            "--application",
            "api",
            "--limit",
            "1",
        ],
        &["deployments", "show", id],
        &["environments", "show", "development"],
    ] {
        answers.push(world.json(&[question, more].concat()).await);
    }
    answers
}

/// What somebody would type.
async fn time(world: &World) -> String {
    let date = Program::new("date", &world.home()).args(["-u", "+%Y-%m-%dT%H:%M:%S.%6NZ"]);
    date.run().await.ok().trim().to_owned()
}

async fn now(world: &World, id: &str) -> Then {
    let answers = ask(world, id, &[]).await;
    let log = world.cli(&["log", "tail", "--output", "json"]).await.ok();
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    let aggregate = last["aggregate"].as_str().unwrap();
    Then {
        time: time(world).await,
        commit: format!("{aggregate}@{}", last["version"]),
        answers,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_answered_as_it_was_answered_then() {
    let world = World::of(["api", "mail"]).await;
    let server = world.start().await;
    let report = |app: &'static str, version: &'static str| {
        let image = world.image(app, version);
        async move { Report::of(app, version, &image.await) }
    };
    let first = server.deployed(&report("api", "1.0.0").await).await;
    server.api().quiet().await;
    let mut past = vec![now(&world, &first).await];
    let second = server.deployed(&report("api", "1.1.0").await).await;
    server.api().quiet().await;
    past.push(now(&world, &first).await);
    let hold = [
        "hold",
        "create",
        "--scope",
        "app",
        "--subject",
        "development/api",
        "--reason",
        "wait",
    ];
    world.json(&hold).await;
    server.deployed(&report("mail", "1.0.0").await).await;
    server.deploy(&report("api", "1.2.0").await).await;
    server.api().quiet().await;
    past.push(now(&world, &first).await);
    let rollback = ["rollback", "api", "--env", "development", "--to", "1.0.0"];
    let rollback = world.json(&rollback).await;
    server
        .api()
        .succeeded(rollback["deployment_id"].as_str().unwrap())
        .await;
    server.api().quiet().await;

    for then in &past {
        for moment in [&then.time, &then.commit] {
            let answers = ask(&world, &first, &["--as-of", moment]).await;
            assert_eq!(answers, then.answers, "{moment}");
        }
    }
    assert_ne!(ask(&world, &first, &[]).await, past[2].answers);

    let refused = [
        (&second[..], &past[0].time[..], 1, "not-found"),
        (&first, "2999-01-01T00:00:00Z", 2, "as-of-future"),
        (&first, "yesterday", 2, "as-of-malformed"),
        (&first, "deployment:nonsense@1", 2, "as-of-malformed"),
        (&first, "slot:development/api@0", 2, "as-of-malformed"),
        (&first, "slot:development/api@1000", 1, "as-of-unknown"),
        (&first, "slot:development/nobody@1", 1, "as-of-unknown"),
        (&first, "2001-01-01T00:00:00Z", 1, "not-found"),
    ];
    for (id, moment, exit, code) in refused {
        let outcome = world
            .cli(&["deployments", "show", id, "--as-of", moment])
            .await;
        assert_eq!(outcome.code, exit, "{moment}: {outcome}");
        let wanted = format!("error[{code}]");
        assert!(outcome.stderr.contains(&wanted), "{moment}: {outcome}");
    }
    let empty = ["deployments", "list", "--as-of", "2001-01-01T00:00:00Z"];
    let empty = world.json(&empty).await;
    assert_eq!(empty["deployments"], Value::Array(vec![]));
    server.stop().await;
}
