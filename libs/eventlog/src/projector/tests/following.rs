//! Catching up, following live, stopping, waiting trouble out.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Counts, SOON, mem, open, place, rows, verify};
use crate::conformance::{append, fill, identity, slot};
use crate::log::{EventLog, Position};
use crate::projector::{Projection, Projector, ProjectorError, WaitError};
use crate::sim::{Faults, SimLog};

#[tokio::test]
async fn it_catches_up_at_open_and_follows_live() {
    let (_dir, path) = place();
    let log = mem();
    fill(&log, 3, 4).await.unwrap();
    let projector = open(&path, &log).await;
    assert_eq!(*projector.position().borrow(), Position(12));
    let cancel = CancellationToken::new();
    let running = tokio::spawn({
        let (projector, cancel) = (projector.clone(), cancel.clone());
        async move { projector.run(cancel).await }
    });
    for n in 13..=20 {
        append(&log, &slot(1), &format!("live {n}")).await.unwrap();
        projector.wait_for(Position(n), SOON).await.unwrap();
    }
    let rows = rows(&projector).await;
    assert_eq!(rows.iter().map(|it| it.1).collect::<Vec<_>>(), [12, 4, 4]);
    let late = projector.wait_for(Position(99), Duration::ZERO).await;
    let (at, wanted) = (Position(20), Position(99));
    assert_eq!(late, Err(WaitError::TimedOut { at, wanted }));
    cancel.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let (_dir, path) = place();
    let log = mem();
    fill(&log, 2, 2).await.unwrap();
    open(&path, &log).await.close().await;
    // Were anything applied again, the primary key of `said` would refuse it.
    append(&log, &slot(1), "more").await.unwrap();
    let projector = open(&path, &log).await;
    assert_eq!(*projector.position().borrow(), Position(4));
    let cancel = CancellationToken::new();
    let waiting = projector.wait_for(Position(5), SOON);
    let (ran, reached) = tokio::join!(projector.run(cancel.clone()), async {
        let reached = waiting.await;
        cancel.cancel();
        reached
    });
    ran.unwrap();
    reached.unwrap();
    assert_eq!(rows(&projector).await[0].1, 3);
}

#[tokio::test]
async fn an_unknown_event_stops_it_by_name_and_is_never_skipped() {
    let (_dir, path) = place();
    let log = mem();
    fill(&log, 1, 2).await.unwrap();
    let projector = open(&path, &log).await;
    append(&log, &slot(2), "unknown thing").await.unwrap();
    append(&log, &slot(3), "fine").await.unwrap();
    let stopped = projector.run(CancellationToken::new()).await.unwrap_err();
    let text = stopped.to_string();
    assert!(
        matches!(
            stopped,
            ProjectorError::Stopped {
                projection: "counts",
                ..
            }
        ),
        "{text}"
    );
    for part in [
        "counts",
        &slot(2).to_string(),
        "position 3",
        "towpath.test.v1.Happened",
    ] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    let waited = projector.wait_for(Position(4), SOON).await;
    assert!(matches!(waited, Err(WaitError::Stopped(_))), "{waited:?}");
    assert_eq!(rows(&projector).await.len(), 1);
}

#[tokio::test]
async fn trouble_that_passes_is_waited_out_without_half_a_batch() {
    let (_dir, path) = place();
    let sim = SimLog::new(identity(), 3, Faults::OFF);
    let log: Arc<dyn EventLog> = Arc::new(sim.clone());
    let projections: Vec<Box<dyn Projection>> = vec![Box::new(Counts {
        fold_version: 1,
        until_failure: AtomicU32::new(7),
    })];
    let projector = Projector::open(&(&path).into(), log.clone(), projections)
        .await
        .unwrap();
    fill(&log, 4, 5).await.unwrap();
    sim.set_faults(Faults {
        unavailable: 300,
        ..Faults::OFF
    });
    let cancel = CancellationToken::new();
    let (ran, reached) = tokio::join!(projector.run(cancel.clone()), async {
        let reached = projector.wait_for(Position(20), SOON).await;
        cancel.cancel();
        reached
    });
    ran.unwrap();
    reached.unwrap();
    sim.set_faults(Faults::OFF);
    assert_eq!(verify(&path, &log, 1).await, []);
}

#[tokio::test]
async fn two_projectors_on_one_file_never_apply_twice() {
    let (_dir, path) = place();
    let log = mem();
    let one = open(&path, &log).await;
    let two = open(&path, &log).await;
    let cancel = CancellationToken::new();
    let running = [one.clone(), two].map(|it| {
        let cancel = cancel.clone();
        tokio::spawn(async move { it.run(cancel).await })
    });
    fill(&log, 4, 10).await.unwrap();
    let [a, b] = running;
    // One of them is overtaken and says so; the other goes on.
    let first = futures::future::select(a, b).await;
    let (ended, other) = first.factor_first();
    let ended = ended.unwrap();
    assert!(
        matches!(
            ended,
            Err(ProjectorError::Overtaken | ProjectorError::Stopped { .. })
        ),
        "{ended:?}"
    );
    append(&log, &slot(1), "last").await.unwrap();
    tokio::time::timeout(SOON, async {
        loop {
            let sql = "SELECT count(*) AS commits FROM said";
            let said = one.reads().first(sql, &[]).await.unwrap().unwrap();
            if said.int("commits").unwrap() == 41 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    cancel.cancel();
    other.await.unwrap().unwrap();
    assert_eq!(verify(&path, &log, 1).await, []);
}

#[tokio::test]
async fn a_cancelled_projector_can_run_again() {
    let (_dir, path) = place();
    let log = mem();
    let projector = open(&path, &log).await;
    for round in 1..=20 {
        let cancel = CancellationToken::new();
        let running = tokio::spawn({
            let (projector, cancel) = (projector.clone(), cancel.clone());
            async move { projector.run(cancel).await }
        });
        append(&log, &slot(1), &format!("round {round}"))
            .await
            .unwrap();
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        } else {
            projector.wait_for(Position(round), SOON).await.unwrap();
        }
        cancel.cancel();
        running.await.unwrap().unwrap();
    }
    projector.close().await;
    assert_eq!(verify(&path, &log, 1).await, []);
}
