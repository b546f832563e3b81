//! Read models in PostgreSQL, made anew while a client reads them and builds are reported; and then
//! changed behind the roles' back.
//!
//! The log has 200,000 events in the full form.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use proto::delivery::v1::ListDeploymentsRequest;
use tokio::task::{JoinHandle, JoinSet};
use tonic::Code;

use crate::harness::{Api, Report, Server, Shape, World, settings};

const APPLICATIONS: usize = 16;
/// Events that the log holds at least before the read models are made anew.
const FULL: usize = 200_000;
const QUICK: usize = 2000;

fn name(application: usize) -> String {
    format!("app-{application:02}")
}

/// Reports the next builds of one application. Nothing deploys them: each takes the place of the
/// one before.
async fn reports(api: Api, application: usize, versions: std::ops::Range<usize>) {
    let mut client = api.client().await.unwrap();
    for number in versions {
        let digest = format!("sha256:{application:032x}{number:032x}");
        let report = Report::of(&name(application), &format!("1.0.{number}"), &digest);
        let key = format!("{application}-{number}");
        while let Err(status) = client
            .report_build(api.request(report.grpc(), Some(&key)))
            .await
        {
            let again = matches!(status.code(), Code::Unavailable | Code::ResourceExhausted);
            assert!(again, "{report:?}: {status:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn each_reports(api: &Api, versions: std::ops::Range<usize>) {
    let mut all = JoinSet::new();
    for application in 0..APPLICATIONS {
        all.spawn(reports(api.clone(), application, versions.clone()));
    }
    all.join_all().await;
}

/// Reports builds until the log holds so many events; gives the first version that is not reported.
async fn grow(world: &World, api: &Api, wanted: usize) -> usize {
    let mut next = 0;
    let mut step = 4;
    loop {
        each_reports(api, next..next + step).await;
        next += step;
        api.quiet().await;
        let export = world.export().await;
        let events: usize = export.records.iter().map(|it| it.commit.events.len()).sum();
        println!("{events} events after {} reports", next * APPLICATIONS);
        if events >= wanted {
            return next;
        }
        // As many as are missing, by what one report made so far, and a few more.
        step = (wanted - events) * next / events + 2;
    }
}

/// A hundred times a second; gives how often. Nothing fails and positions never go back.
fn client(api: Api, stop: &Arc<AtomicBool>) -> JoinHandle<(usize, u64)> {
    let stop = stop.clone();
    tokio::spawn(async move {
        let mut client = api.client().await.unwrap();
        let (mut asked, mut said) = (0, 0);
        let mut every = tokio::time::interval(Duration::from_millis(10));
        while !stop.load(Ordering::SeqCst) {
            every.tick().await;
            let request = ListDeploymentsRequest {
                limit: 20,
                ..Default::default()
            };
            let answer = client.list_deployments(api.request(request, None)).await;
            let answer = answer.unwrap().into_inner();
            assert_eq!(answer.deployments.len(), 20);
            let position = answer.position;
            assert!(position >= said, "position {position} after {said}");
            said = position;
            asked += 1;
        }
        (asked, said)
    })
}

async fn rebuilt_while_served(world: &World, server: &Server, next: usize) {
    let stop = Arc::new(AtomicBool::new(false));
    let reading = client(server.api(), &stop);
    let telling = tokio::spawn({
        let api = server.api();
        async move { each_reports(&api, next..next + 4).await }
    });
    world.cli(&["projections", "rebuild"]).await.ok();
    telling.await.unwrap();
    server.api().quiet().await;
    stop.store(true, Ordering::SeqCst);
    let (asked, position) = reading.await.unwrap();
    println!("{asked} answers, the last at position {position}");
    assert!(asked > 20, "somebody read meanwhile");
    world.cli(&["projections", "verify"]).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_notices_nothing_and_what_is_planted_is_named_postgres() {
    let names: Vec<_> = (0..APPLICATIONS).map(name).collect();
    let world = World::of(names).await.shaped(Shape::Split);
    let server = world.start().await;
    world
        .json(&["hold", "create", "--reason", "freeze", "--scope", "all"])
        .await;
    let wanted = settings().form.pick(FULL, QUICK);
    let next = grow(&world, &server.api(), wanted).await;
    rebuilt_while_served(&world, &server, next).await;

    let stores = world.stores().await.unwrap();
    let sql = async |sql: &str| stores.sql(&world, sql).await.ok().trim().to_owned();
    let id = async |table: &str| {
        sql(&format!(
            "SELECT id FROM {table} ORDER BY id OFFSET 7 LIMIT 1"
        ))
        .await
    };
    let (changed, lost) = (id("deployments").await, id("builds").await);
    for planted in [
        format!("UPDATE deployments SET state = 'FAILED' WHERE id = '{changed}'"),
        format!("DELETE FROM builds WHERE id = '{lost}'"),
        "INSERT INTO slots (SELECT (s).* FROM (SELECT jsonb_populate_record(s, \
         '{\"id\": \"planted\"}') AS s FROM slots s LIMIT 1) AS one)"
            .to_owned(),
    ] {
        sql(&planted).await;
    }
    let verify = world.cli(&["projections", "verify"]).await;
    assert_eq!(verify.code, 1, "{verify}");
    let text = verify.all();
    for (table, key, what) in [
        ("deployments", &changed[..], "state is"),
        ("builds", &lost[..], "lost"),
        ("slots", "planted", "extra"),
    ] {
        let named = text
            .lines()
            .any(|it| it.starts_with(table) && it.contains(key) && it.contains(what));
        assert!(named, "{table} {key}: {verify}");
    }
    world.cli(&["projections", "rebuild"]).await.ok();
    world.cli(&["projections", "verify"]).await.ok();
    server.stop().await;
}
