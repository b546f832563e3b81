//! Real read models of a long log, made anew while a client reads and deployments go on; and then
//! changed behind the program's back. 200,000 events when `TOWPATH_ACCEPT=full`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use eventlog::Projector;
use eventlog::projector::{self, Database, Server};
use testkit::Cluster;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::EVENTS;
use crate::benches::story::Story;

const NEWEST: &str = "SELECT id, position, state FROM deployments ORDER BY position DESC LIMIT 20";

#[expect(clippy::disallowed_methods, reason = "the size of an acceptance run")]
fn deployments() -> usize {
    match std::env::var("TOWPATH_ACCEPT").as_deref() {
        Ok("full") => 200_000_usize.div_ceil(EVENTS),
        _ => 300,
    }
}

/// A hundred times a second; gives how often. Positions never go back, and nothing fails.
fn client(projector: &Arc<Projector>, stop: &Arc<AtomicBool>) -> JoinHandle<u64> {
    let (projector, stop) = (projector.clone(), stop.clone());
    tokio::spawn(async move {
        let (mut asked, mut said, mut newest) = (0, 0, 0);
        let mut every = tokio::time::interval(Duration::from_millis(10));
        while !stop.load(Ordering::SeqCst) {
            every.tick().await;
            let position = projector.position().borrow().0;
            assert!(position >= said, "position {position} after {said}");
            let found = projector.reads().fetch(NEWEST, &[]).await.unwrap();
            let now = found.first().unwrap().int("position").unwrap();
            assert!(now >= newest, "newest at {now} after {newest}");
            (said, newest) = (position, now);
            asked += 1;
        }
        asked
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_disturbs_no_client_and_what_is_planted_is_named_postgres() {
    let cluster = Cluster::start().unwrap();
    let password = cluster.password_file();
    let server = Server::new(&cluster.url(), Some(&password), "cd-manager").unwrap();
    let database = Database::Postgres(server);
    let mut story = Story::new(50);
    for _ in 0..deployments() {
        story.go_on().await.unwrap();
    }
    let log = Arc::clone(&story.log);
    let all = cd_manager::projections::all;
    let opened = Projector::open(&database, log.clone(), all()).await;
    let projector = Arc::new(opened.unwrap());
    let (cancel, stop) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
    let running = tokio::spawn({
        let (projector, cancel) = (projector.clone(), cancel.clone());
        async move { projector.run(cancel).await }
    });
    let reading = client(&projector, &stop);
    let telling = tokio::spawn(async move {
        for _ in 0..20 {
            story.go_on().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    projector::rebuild(&database, &log, &all(), &mut |_, _| {})
        .await
        .unwrap();
    telling.await.unwrap();
    let tail = log.tail().await.unwrap().position;
    projector
        .wait_for(tail, Duration::from_mins(1))
        .await
        .unwrap();
    stop.store(true, Ordering::SeqCst);
    assert!(reading.await.unwrap() > 0);
    let verify = async || projector::verify(&database, &log, &all()).await.unwrap();
    assert_eq!(verify().await, []);

    let id = |table: &str, at: usize| {
        let sql = format!("SELECT id FROM cd_manager.{table} ORDER BY id OFFSET {at} LIMIT 1");
        cluster.psql(&sql).unwrap().remove(0)
    };
    let (changed, lost) = (id("deployments", 7), id("builds", 9));
    for sql in [
        format!("UPDATE cd_manager.deployments SET state = 'FAILED' WHERE id = '{changed}'"),
        format!("DELETE FROM cd_manager.builds WHERE id = '{lost}'"),
        "INSERT INTO cd_manager.slots (SELECT (s).* FROM (SELECT jsonb_populate_record(s, \
         '{\"id\": \"planted\"}') AS s FROM cd_manager.slots s LIMIT 1) AS one)"
            .to_owned(),
    ] {
        cluster.psql(&sql).unwrap();
    }
    let found: Vec<_> = verify().await.iter().map(ToString::to_string).collect();
    let expected = [
        format!("builds ('{lost}'): row lost"),
        format!("deployments ('{changed}'): state is 'FAILED', expected 'SUCCESS'"),
        "slots ('planted'): row that the log does not make".to_owned(),
    ];
    assert_eq!(found, expected);
    projector::rebuild(&database, &log, &all(), &mut |_, _| {})
        .await
        .unwrap();
    assert_eq!(verify().await, []);
    cancel.cancel();
    running.await.unwrap().unwrap();
}
