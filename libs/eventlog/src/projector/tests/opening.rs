//! What is opened, made again, or refused.

use std::fs;
use std::sync::Arc;

use super::{counts, mem, open, place, rows, sql, verify};
use crate::checkpoint::Lie;
use crate::conformance::{append, fill, identity, slot};
use crate::log::{EventLog, LogIdentity, Position};
use crate::mem::MemLog;
use crate::projector::{Projector, ProjectorError};
use crate::sim::{Faults, SimLog};

#[tokio::test]
async fn another_fold_version_is_rebuilt_from_the_beginning() {
    let (_dir, path) = place();
    let log = mem();
    fill(&log, 2, 3).await.unwrap();
    open(&path, &log).await.close().await;
    let projector = Projector::open(&(&path).into(), log.clone(), counts(2))
        .await
        .unwrap();
    let folds = projector
        .reads()
        .fetch("SELECT fold FROM counts", &[])
        .await;
    let folds: Vec<_> = folds
        .unwrap()
        .iter()
        .map(|it| it.int("fold").unwrap())
        .collect();
    assert_eq!(folds, [2, 2]);
    assert_eq!(verify(&path, &log, 2).await, []);
}

#[tokio::test]
async fn a_missing_or_damaged_file_is_made_again() {
    let (_dir, path) = place();
    let log = mem();
    fill(&log, 20, 10).await.unwrap();
    let projector = open(&path, &log).await;
    let before = rows(&projector).await;
    projector.close().await;
    drop(projector);
    let mut file = fs::read(&path).unwrap();
    // The type byte of every page but the first.
    for page in (4096..file.len()).step_by(4096) {
        file[page] = 0xff;
    }
    fs::write(&path, file).unwrap();
    let projector = open(&path, &log).await;
    assert_eq!(rows(&projector).await, before);
    projector.close().await;
    drop(projector);
    fs::remove_file(&path).unwrap();
    assert_eq!(rows(&*open(&path, &log).await).await, before);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let (_dir, path) = place();
    fs::write(&path, b"").unwrap();
    sql(&path, "CREATE TABLE shopping (item)").await;
    let refused = Projector::open(&(&path).into(), mem(), counts(1))
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().contains("another program"), "{refused}");
    fs::write(&path, b"no database at all").unwrap();
    let refused = Projector::open(&(&path).into(), mem(), counts(1))
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().contains("move it away"), "{refused}");
}

#[tokio::test]
async fn a_log_that_lies_is_refused_even_when_it_has_to_be_rebuilt() {
    let (_dir, path) = place();
    let sim = SimLog::new(identity(), 1, Faults::OFF);
    let log: Arc<dyn EventLog> = Arc::new(sim.clone());
    fill(&log, 1, 4).await.unwrap();
    open(&path, &log).await.close().await;
    sim.rewind(Position(3));
    for fold_version in [1, 2] {
        let refused = Projector::open(&(&path).into(), log.clone(), counts(fold_version)).await;
        let refused = refused.err().unwrap();
        assert!(
            matches!(refused, ProjectorError::Lie(Lie::LogRewound { .. })),
            "{refused}"
        );
        assert!(refused.to_string().starts_with("LogRewound"));
    }
    append(&log, &slot(1), "another fourth").await.unwrap();
    let refused = Projector::open(&(&path).into(), log.clone(), counts(1))
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().starts_with("LogForked"), "{refused}");
    let other: Arc<dyn EventLog> = Arc::new(MemLog::new(LogIdentity {
        log_id: ids::Uuid::from_u128(404),
        ..identity()
    }));
    let refused = Projector::open(&(&path).into(), other, counts(1))
        .await
        .err()
        .unwrap();
    assert!(refused.to_string().starts_with("WrongLog"), "{refused}");
}
