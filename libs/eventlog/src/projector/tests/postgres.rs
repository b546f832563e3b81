//! The same guarantees in PostgreSQL, and those that only a server has to give: rebuilding while
//! it is read, restarting, several replicas.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{SOON, counts, mem, rows};
use crate::checkpoint::Lie;
use crate::cluster::{schema, start};
use crate::conformance::{append, fill, identity, slot};
use crate::log::{EventLog, Position};
use crate::projector::{
    Database, Difference, Kind, Projector, ProjectorError, Server, rebuild, verify,
};
use crate::sim::{Faults, SimLog};

async fn open(server: &Server, log: &Arc<dyn EventLog>) -> Arc<Projector> {
    let database = Database::from(server.clone());
    let opened = Projector::open(&database, log.clone(), counts(1)).await;
    Arc::new(opened.unwrap())
}

fn run(projector: &Arc<Projector>, cancel: &CancellationToken) -> JoinHandle<Result<(), String>> {
    let (projector, cancel) = (projector.clone(), cancel.clone());
    tokio::spawn(async move { projector.run(cancel).await.map_err(|it| it.to_string()) })
}

async fn differences(server: &Server, log: &Arc<dyn EventLog>) -> Vec<Difference> {
    let database = Database::from(server.clone());
    verify(&database, log, &counts(1)).await.unwrap()
}

/// Reads all the time; counts never shrink, and nothing fails.
fn reader(projector: &Arc<Projector>, stop: &Arc<AtomicBool>) -> JoinHandle<usize> {
    let (projector, stop) = (projector.clone(), stop.clone());
    tokio::spawn(async move {
        let (mut last, mut asked, mut at) = (0, 0, Position(0));
        while !stop.load(Ordering::SeqCst) {
            let sql = "SELECT COALESCE(SUM(commits), 0)::BIGINT AS commits FROM counts";
            let position = *projector.position().borrow();
            let found = projector.reads().first(sql, &[]).await.unwrap().unwrap();
            let commits = found.int("commits").unwrap();
            assert!(commits >= last, "{commits} commits after {last}");
            assert!(position >= at, "position {position} after {at}");
            assert!(
                commits.cast_unsigned() >= position.0,
                "rows behind the position"
            );
            (last, at) = (commits, position);
            asked += 1;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        asked
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_takes_place_while_it_is_read_and_written_postgres() {
    let cluster = start();
    let server = schema(&cluster, "cd-manager");
    let log = mem();
    fill(&log, 30, 20).await.unwrap();
    let projector = open(&server, &log).await;
    assert_eq!(*projector.position().borrow(), Position(600));
    let (cancel, stop) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
    let running = run(&projector, &cancel);
    let reading = reader(&projector, &stop);
    let writing = tokio::spawn({
        let log = log.clone();
        async move {
            for n in 0..300 {
                append(&log, &slot(n % 7 + 1), &format!("live {n}"))
                    .await
                    .unwrap();
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    });
    let database = Database::from(server.clone());
    for _ in 0..3 {
        let made = rebuild(&database, &log, &counts(1), &mut |_, _| {})
            .await
            .unwrap();
        assert!(made.position >= Position(600));
    }
    writing.await.unwrap();
    projector.wait_for(Position(900), SOON).await.unwrap();
    stop.store(true, Ordering::SeqCst);
    assert!(reading.await.unwrap() > 10);
    assert_eq!(differences(&server, &log).await, []);
    // Nothing is left of the schemas before.
    let schemas = cluster
        .psql("SELECT nspname FROM pg_namespace WHERE nspname ~ '^cd_manager'")
        .unwrap();
    assert_eq!(schemas, ["cd_manager"]);
    cancel.cancel();
    running.await.unwrap().unwrap();
    projector.close().await;
    let before = rows(&*open(&server, &log).await).await;
    assert_eq!(before.iter().map(|it| it.1).sum::<i64>(), 900);
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_differences_are_found_by_table_and_key_postgres() {
    let cluster = start();
    let server = schema(&cluster, "releaser");
    let log = mem();
    fill(&log, 4, 3).await.unwrap();
    let projector = open(&server, &log).await;
    assert_eq!(differences(&server, &log).await, []);
    cluster
        .psql(
            "SET search_path TO releaser;
         UPDATE counts SET commits = 99 WHERE aggregate LIKE '%1';
         UPDATE said SET payload = 'it''s' WHERE aggregate LIKE '%2' AND version = 2;
         DELETE FROM said WHERE aggregate LIKE '%3' AND version = 1;
         INSERT INTO counts VALUES ('it''s new', 1, 1);",
        )
        .unwrap();
    append(&log, &slot(1), "later").await.unwrap();
    let found: Vec<_> = differences(&server, &log).await;
    let text: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 4, "{text:?}");
    let expected = [
        ("'it''s new'".to_owned(), Kind::Extra),
        (
            format!("'{}'", slot(1)),
            Kind::Changed {
                column: "commits".into(),
                live: "99".into(),
                expected: "3".into(),
            },
        ),
        (format!("'{}', 1", slot(3)), Kind::Lost),
        (
            format!("'{}', 2", slot(2)),
            Kind::Changed {
                column: "payload".into(),
                live: "'it''s'".into(),
                expected: "'fill 2'".into(),
            },
        ),
    ];
    let got: Vec<_> = found.into_iter().map(|it| (it.key, it.kind)).collect();
    assert_eq!(got, expected);
    let database = Database::from(server.clone());
    rebuild(&database, &log, &counts(1), &mut |_, _| {})
        .await
        .unwrap();
    assert_eq!(differences(&server, &log).await, []);
    projector.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_and_starts_again_costs_time_only_postgres() {
    let mut cluster = start();
    let server = schema(&cluster, "changelog");
    let log = mem();
    fill(&log, 3, 3).await.unwrap();
    let projector = open(&server, &log).await;
    let (cancel, stop) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
    let running = run(&projector, &cancel);
    let reading = reader(&projector, &stop);
    for round in 0..2 {
        append(&log, &slot(1), &format!("before {round}"))
            .await
            .unwrap();
        cluster.crash();
        append(&log, &slot(2), &format!("meanwhile {round}"))
            .await
            .unwrap();
        cluster.again().unwrap();
        append(&log, &slot(3), &format!("after {round}"))
            .await
            .unwrap();
    }
    projector.wait_for(Position(15), SOON).await.unwrap();
    stop.store(true, Ordering::SeqCst);
    assert!(reading.await.unwrap() > 0);
    assert_eq!(differences(&server, &log).await, []);
    cancel.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_write_each_commit_once_and_all_go_on_postgres() {
    let cluster = start();
    let server = schema(&cluster, "releaser");
    let log = mem();
    fill(&log, 2, 2).await.unwrap();
    // Both find nothing and make it.
    let (one, two) = tokio::join!(open(&server, &log), open(&server, &log));
    let cancel = CancellationToken::new();
    let running = [run(&one, &cancel), run(&two, &cancel)];
    for n in 0..60 {
        append(&log, &slot(n % 3 + 1), &format!("n {n}"))
            .await
            .unwrap();
    }
    for projector in [&one, &two] {
        projector.wait_for(Position(64), SOON).await.unwrap();
    }
    assert_eq!(differences(&server, &log).await, []);
    cancel.cancel();
    for it in running {
        it.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_made_again_or_refused_postgres() {
    let cluster = start();
    let server = schema(&cluster, "cd-manager");
    let database = Database::from(server.clone());
    let sim = SimLog::new(identity(), 1, Faults::OFF);
    let log: Arc<dyn EventLog> = Arc::new(sim.clone());
    fill(&log, 2, 2).await.unwrap();
    // Another shape is made anew; whoever still has the old one stops and says so.
    let old = open(&server, &log).await;
    let new = Projector::open(&database, log.clone(), counts(2))
        .await
        .unwrap();
    let found = new
        .reads()
        .fetch("SELECT fold FROM counts", &[])
        .await
        .unwrap();
    let folds: Vec<_> = found.iter().map(|it| it.int("fold").unwrap()).collect();
    assert_eq!(folds, [2, 2]);
    append(&log, &slot(1), "next").await.unwrap();
    let stopped = old.run(CancellationToken::new()).await.unwrap_err();
    assert!(stopped.to_string().contains("another version"), "{stopped}");
    // An event that is not known stops it by name.
    append(&log, &slot(2), "unknown thing").await.unwrap();
    let stopped = new.run(CancellationToken::new()).await.unwrap_err();
    assert!(
        matches!(stopped, ProjectorError::Stopped { .. }),
        "{stopped}"
    );
    assert_eq!(*new.position().borrow(), Position(5));
    // A log that lies is refused, even when it would have to be rebuilt.
    sim.rewind(Position(3));
    for fold_version in [1, 2] {
        let refused = Projector::open(&database, log.clone(), counts(fold_version)).await;
        let refused = refused.err().unwrap();
        let rewound = matches!(refused, ProjectorError::Lie(Lie::LogRewound { .. }));
        assert!(rewound, "{refused}");
    }
    // A table that somebody removed is not waited for.
    let runner = schema(&cluster, "runner");
    let log = mem();
    let projector = open(&runner, &log).await;
    cluster.psql("DROP TABLE runner.said").unwrap();
    append(&log, &slot(1), "next").await.unwrap();
    let stopped = projector.run(CancellationToken::new()).await.unwrap_err();
    assert!(stopped.to_string().contains("said"), "{stopped}");
    // A schema of somebody else is refused.
    cluster
        .psql("CREATE SCHEMA shop; CREATE TABLE shop.goods (item text)")
        .unwrap();
    let shop = Database::from(schema(&cluster, "shop"));
    let refused = Projector::open(&shop, mem(), counts(1))
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().contains("another program"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_stands_in_a_file_and_nowhere_else_postgres() {
    let cluster = start();
    let server = schema(&cluster, "runner");
    let log = mem();
    fill(&log, 1, 1).await.unwrap();
    let projector = open(&server, &log).await;
    assert_eq!(rows(&projector).await.len(), 1);
    projector.close().await;
    std::fs::write(cluster.password_file(), "wr0ng-one").unwrap();
    let impatient = server.clone().patience(Duration::ZERO);
    let refused = Projector::open(&impatient.into(), log.clone(), counts(1)).await;
    let refused = refused.err().unwrap().to_string();
    assert!(refused.contains("password"), "{refused}");
    assert!(!refused.contains("wr0ng-one"), "{refused}");
    // A password that was changed is read again.
    cluster
        .psql("ALTER USER towpath PASSWORD 'wr0ng-one'")
        .unwrap();
    let impatient = server.patience(Duration::ZERO);
    let opened = Projector::open(&impatient.into(), log, counts(1)).await;
    assert_eq!(rows(&opened.unwrap()).await.len(), 1);
}
