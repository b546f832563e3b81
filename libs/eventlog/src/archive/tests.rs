//! A copy that proves itself, in a real PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use tokio_util::sync::CancellationToken;

use super::{Archive, ArchiveError, Divergence};
use crate::checkpoint::Lie;
use crate::cluster::{schema, start};
use crate::conformance::{append, fill, identity, slot};
use crate::log::{EventLog, Position};
use crate::mem::MemLog;
use crate::sim::{Faults, SimLog};

const SOON: Duration = Duration::from_secs(30);

async fn reaches(archive: &Archive, wanted: u64) {
    let mut position = archive.position();
    let reached = position.wait_for(|it| it.0 >= wanted);
    tokio::time::timeout(SOON, reached).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_commit_is_copied_once_through_crashes_and_by_two_replicas_postgres() {
    let mut cluster = start();
    let server = schema(&cluster, "towpath-archive");
    let log: Arc<dyn EventLog> = Arc::new(MemLog::new(identity()));
    fill(&log, 20, 30).await.unwrap();
    let (one, two) = tokio::join!(Archive::open(&server), Archive::open(&server));
    let archives = [one, two].map(|it| Arc::new(it.unwrap()));
    let cancel = CancellationToken::new();
    let running = archives.clone().map(|it| {
        let (log, cancel) = (log.clone(), cancel.clone());
        tokio::spawn(async move { it.run(log, cancel).await })
    });
    reaches(&archives[0], 600).await;
    cluster.crash();
    fill(&log, 5, 40).await.unwrap();
    cluster.again().unwrap();
    append(&log, &slot(1), "last").await.unwrap();
    let tail = log.tail().await.unwrap().position;
    for archive in &archives {
        reaches(archive, tail.0).await;
    }
    cancel.cancel();
    for it in running {
        it.await.unwrap().unwrap();
    }
    // Byte for byte, in order.
    let copied: Vec<_> = archives[0].commits().try_collect().await.unwrap();
    let mut all = Vec::new();
    while all.len() < copied.len() {
        let after = all
            .last()
            .map_or(Position(0), |it: &crate::Stored| it.position);
        all.extend(log.read(after, 1000).await.unwrap());
    }
    assert!(copied == all);
    let compared = archives[0].compare(log.as_ref()).await.unwrap();
    assert_eq!((compared.same, compared.divergence), (tail.0, None));
    assert_eq!(archives[0].identity().await.unwrap(), Some(identity()));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_archive_do_not_change_unnoticed_postgres() {
    let cluster = start();
    let server = schema(&cluster, "towpath-archive");
    let log: Arc<dyn EventLog> = Arc::new(MemLog::new(identity()));
    fill(&log, 2, 5).await.unwrap();
    let archive = Archive::open(&server).await.unwrap();
    let cancel = CancellationToken::new();
    let (ran, ()) = tokio::join!(archive.run(log.clone(), cancel.clone()), async {
        reaches(&archive, 10).await;
        cancel.cancel();
    });
    ran.unwrap();
    let table = "towpath_archive.log_archive";
    let attempt = format!(
        "DO $$ BEGIN DELETE FROM {table}; RAISE 'deleted';
         EXCEPTION WHEN raise_exception THEN
           IF SQLERRM = 'deleted' THEN RAISE 'rows went'; END IF; END $$"
    );
    cluster.psql(&attempt).unwrap();
    let unguarded = format!("ALTER TABLE {table} DISABLE TRIGGER ALL");
    cluster.psql(&unguarded).unwrap();
    cluster
        .psql(&format!(
            "UPDATE {table} SET version = 50 WHERE position = 4"
        ))
        .unwrap();
    let damaged = archive.compare(log.as_ref()).await.unwrap_err().to_string();
    assert!(
        damaged.contains("version") && damaged.contains("position 4"),
        "{damaged}"
    );
    cluster
        .psql(&format!(
            "UPDATE {table} SET version = 4 WHERE position = 4;
         UPDATE {table} SET payload = set_byte(payload, 9, 255) WHERE position = 6"
        ))
        .unwrap();
    let damaged = archive.read(Position(5), 1).await.unwrap_err().to_string();
    assert!(damaged.contains("position 6"), "{damaged}");
    cluster
        .psql(&format!("DELETE FROM {table} WHERE position = 6"))
        .unwrap();
    let compared = archive.compare(log.as_ref()).await.unwrap();
    let Some(Divergence::NotArchived { position, .. }) = compared.divergence else {
        panic!("{compared:?}");
    };
    assert_eq!(position, Position(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lies_is_never_copied_postgres() {
    let cluster = start();
    let server = schema(&cluster, "towpath-archive");
    let sim = SimLog::new(identity(), 1, Faults::OFF);
    let log: Arc<dyn EventLog> = Arc::new(sim.clone());
    fill(&log, 1, 4).await.unwrap();
    let archive = Archive::open(&server).await.unwrap();
    let cancel = CancellationToken::new();
    let (ran, ()) = tokio::join!(archive.run(log.clone(), cancel.clone()), async {
        reaches(&archive, 4).await;
        cancel.cancel();
    });
    ran.unwrap();
    sim.rewind(Position(3));
    let rewound = archive.run(log.clone(), CancellationToken::new()).await;
    let rewound = rewound.unwrap_err();
    assert!(
        matches!(rewound, ArchiveError::Lie(Lie::LogRewound { .. })),
        "{rewound}"
    );
    let compared = archive.compare(log.as_ref()).await.unwrap();
    let Some(Divergence::NotInLog { position, .. }) = compared.divergence else {
        panic!("{compared:?}");
    };
    assert_eq!((compared.same, position), (3, Position(4)));
    append(&log, &slot(1), "another fourth").await.unwrap();
    append(&log, &slot(1), "fifth").await.unwrap();
    let forked = archive.run(log.clone(), CancellationToken::new()).await;
    let forked = forked.unwrap_err();
    assert!(
        matches!(forked, ArchiveError::Lie(Lie::LogForked { .. })),
        "{forked}"
    );
    let compared = archive.compare(log.as_ref()).await.unwrap();
    assert!(matches!(
        compared.divergence,
        Some(Divergence::Other {
            position: Position(4),
            ..
        })
    ));
    assert_eq!(archive.read(Position(0), 10).await.unwrap().len(), 4);
}
