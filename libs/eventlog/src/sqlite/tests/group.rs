//! Appends that wait together are stored in one transaction, and answered one by one.

use std::path::Path;
use std::sync::Arc;

use futures::future::join_all;

use super::{closed_log, stranger};
use crate::commit::Head;
use crate::conformance::{next, slot};
use crate::log::{AppendError, EventLog};
use crate::sqlite::SqliteLog;

/// Transactions in a write-ahead log: frames that carry the size of the database after a commit
/// (<https://sqlite.org/fileformat2.html#the_write_ahead_log>).
fn transactions(log: &Path) -> usize {
    let wal = std::fs::read(log.with_file_name("log.db-wal")).unwrap_or_default();
    let frames = wal.get(32..).unwrap_or_default().chunks_exact(24 + 4096);
    frames.filter(|it| it[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn what_waits_together_is_one_transaction_with_an_answer_each() {
    let (_dir, path) = closed_log(1, 1).await;
    let log = SqliteLog::open_existing(&path).await.unwrap();
    let shared: Arc<dyn EventLog> = Arc::new(log.clone());
    let before = transactions(&path);
    let mut stranger = stranger(&path).await;
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut stranger)
        .await
        .unwrap();
    // While another program holds the write lock, everything queues up.
    let appends = (0..200).map(|n| {
        let shared = shared.clone();
        // Every tenth one is too late: `slot:1` has a first commit already.
        let aggregate = if n % 10 == 0 { 1 } else { 100 + n };
        let commit = next(&slot(aggregate), &Head::NONE, &format!("commit {n}"));
        tokio::spawn(async move { shared.append(&commit).await })
    });
    let appends: Vec<_> = appends.collect();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut stranger)
        .await
        .unwrap();
    let mut stored = 0;
    for (n, answer) in join_all(appends).await.into_iter().enumerate() {
        match answer.unwrap() {
            Ok(appended) => {
                assert!(n % 10 != 0 && !appended.duplicate, "{n}");
                stored += 1;
            }
            Err(refused) => {
                assert_eq!((n % 10, refused), (0, AppendError::Conflict { actual: 1 }));
            }
        }
    }
    assert_eq!(stored, 180);
    assert_eq!(shared.tail().await.unwrap().position.0, 181);
    let needed = transactions(&path) - before;
    assert!((1..=5).contains(&needed), "{needed} transactions");
    log.close().await;
}
