//! CI repeats itself; nothing happens twice.

use std::collections::BTreeSet;

use proto::run::v1::RunStarted;
use tokio::task::JoinSet;

use crate::harness::{Report, Server, Sightings, World};

/// Build and deployment, from either answer.
type Ids = (String, String);

async fn over_http(server: &Server, report: &Report) -> Ids {
    let answer = server.report(report).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    let text = |it: &serde_json::Value| it.as_str().unwrap().to_owned();
    (text(&json["build_id"]), text(&json["deployments"][0]["id"]))
}

async fn over_grpc(server: &Server, report: &Report, key: &str) -> Ids {
    let answer = server.api().report(report, Some(key)).await;
    let answer = answer.unwrap_or_else(|failure| panic!("{failure}"));
    (answer.build_id, answer.deployments[0].id.clone())
}

/// Half of them over HTTP, half over gRPC, each gRPC call with a key of its own.
async fn at_once(server: &std::sync::Arc<Server>, report: &Report, count: usize) -> BTreeSet<Ids> {
    let mut calls = JoinSet::new();
    for at in 0..count {
        let (server, report) = (std::sync::Arc::clone(server), report.clone());
        calls.spawn(async move {
            match at % 2 {
                0 => over_http(&server, &report).await,
                _ => over_grpc(&server, &report, &format!("call-{at}")).await,
            }
        });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.len(), count);
    answers.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_report_a_hundred_times_and_ten_more_is_one_build_one_commit_one_process() {
    let world = World::of(["api"]).await;
    let server = std::sync::Arc::new(world.start().await);
    let sightings = Sightings::of(world.root());
    let report = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let mut ids = at_once(&server, &report, 100).await;
    let (_, deployment) = ids.first().unwrap().clone();
    server.api().succeeded(&deployment).await;

    std::sync::Arc::into_inner(server).unwrap().kill9().await;
    let server = std::sync::Arc::new(world.start().await);
    ids.extend(at_once(&server, &report, 10).await);
    assert_eq!(ids.len(), 1, "one pair of ids in 110 answers: {ids:#?}");
    server.api().succeeded(&deployment).await;

    let commits = world.remote.trailers("Towpath-Deployment").await;
    assert_eq!(commits.len(), 1, "{commits:?}");
    assert_eq!(commits[0].1, deployment);
    assert_eq!(
        sightings.all().len(),
        1,
        "one process, ever: {:#?}",
        sightings.all()
    );
    assert_eq!(world.processes().len(), 1);
    assert_eq!(server.api().deployments().await.len(), 1);
    std::sync::Arc::into_inner(server).unwrap().stop().await;

    let export = world.export().await;
    let runs = export.events::<RunStarted>("towpath.run.v1.RunStarted");
    assert_eq!(runs.len(), 1, "{runs:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_request() {
    let world = World::of(["api"]).await;
    let server = world.start().await;
    let first = Report::of("api", "1.0.0", &world.image("api", "1.0.0").await);
    let second = Report::of("api", "2.0.0", &world.image("api", "2.0.0").await);
    let ids = over_grpc(&server, &first, "one").await;
    assert_eq!(over_grpc(&server, &first, "one").await, ids);
    let refused = server.api().report(&second, Some("one")).await.unwrap_err();
    assert_eq!(refused.status, tonic::Code::AlreadyExists, "{refused}");
    assert_eq!(refused.code, "idempotency-key-reused");
    let refused = server.api().report(&second, None).await.unwrap_err();
    assert_eq!(refused.code, "idempotency-key-missing", "{refused}");
    assert!(!refused.fix.is_empty(), "{refused}");
    server.api().succeeded(&ids.1).await;
    assert_eq!(server.api().deployments().await.len(), 1);
    server.stop().await;
}
