//! What is not a log of ours is refused with a cause and a fix, and left as it was.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{closed_log, sql};
use crate::conformance::identity;
use crate::log::EventLog as _;
use crate::sqlite::{OpenError, SqliteLog};

#[tokio::test]
async fn a_missing_file_is_created_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    let refused = SqliteLog::open_existing(&path).await.err().unwrap();
    assert!(matches!(refused, OpenError::Missing { .. }), "{refused}");
    assert!(!path.exists());
    let log = SqliteLog::open(&path, &identity()).await.unwrap();
    assert_eq!(log.identity().await.unwrap(), identity());
    log.close().await;
}

#[tokio::test]
async fn an_identity_is_given_once() {
    let (_dir, path) = closed_log(1, 1).await;
    let mut other = identity();
    other.log_id = ids::Uuid::from_u128(404);
    let log = SqliteLog::open(&path, &other).await.unwrap();
    assert_eq!(log.identity().await.unwrap(), identity());
    log.close().await;
}

#[tokio::test]
async fn what_a_kill_during_creation_leaves_becomes_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    fs::write(&path, b"").unwrap();
    let log = SqliteLog::open(&path, &identity()).await.unwrap();
    assert_eq!(log.identity().await.unwrap(), identity());
    log.close().await;
}

#[tokio::test]
async fn other_files_are_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    for content in [
        &b"not a database at all"[..],
        b"SQLite format 3\0garbage",
        b"S",
    ] {
        fs::write(&path, content).unwrap();
        let refused = SqliteLog::open(&path, &identity()).await.err().unwrap();
        let text = refused.to_string();
        assert!(matches!(refused, OpenError::NotALog { .. }), "{text}");
        assert!(text.contains("log.db"), "{text}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    let refused = SqliteLog::open(dir.path(), &identity())
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, OpenError::NotALog { .. }), "{refused}");
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.db");
    fs::write(&path, b"").unwrap();
    sql(&path, "CREATE TABLE shopping (item)").await.unwrap();
    let refused = SqliteLog::open(&path, &identity()).await.err().unwrap();
    assert!(matches!(refused, OpenError::NotALog { .. }), "{refused}");
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_dir, path) = closed_log(1, 1).await;
    sql(&path, "PRAGMA user_version = 2").await.unwrap();
    let refused = SqliteLog::open_existing(&path).await.err().unwrap();
    assert!(
        matches!(
            refused,
            OpenError::Newer {
                found: 2,
                known: 1,
                ..
            }
        ),
        "{refused}"
    );
    assert!(refused.to_string().contains("newer binary"));
}

#[tokio::test]
async fn a_log_held_by_another_writer_is_refused() {
    let (_dir, path) = closed_log(1, 1).await;
    let mut stranger = super::stranger(&path).await;
    sqlx::raw_sql("BEGIN IMMEDIATE")
        .execute(&mut stranger)
        .await
        .unwrap();
    let refused = SqliteLog::open_existing(&path).await.err().unwrap();
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut stranger)
        .await
        .unwrap();
    SqliteLog::open_existing(&path).await.unwrap().close().await;
}

/// Root can write everything, so there the refusal cannot be seen.
#[tokio::test]
async fn a_file_that_cannot_be_written_is_refused_by_name() {
    let (dir, path) = closed_log(1, 1).await;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let opened = SqliteLog::open_existing(&path).await;
    let root = fs::write(dir.path().join("probe"), b"").is_ok();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    match opened {
        Ok(log) => {
            assert!(root, "opened although nothing can be written");
            log.close().await;
        }
        Err(refused) => {
            assert!(
                matches!(refused, OpenError::NotWritable { .. }),
                "{refused}"
            );
            assert!(refused.to_string().contains("log.db"));
        }
    }
}

#[tokio::test]
async fn a_closed_log_says_so() {
    let (_dir, path) = closed_log(1, 1).await;
    let log = SqliteLog::open_existing(&path).await.unwrap();
    let clone = log.clone();
    log.close().await;
    log.close().await;
    let head = clone.tail().await;
    assert_eq!(head, Err(crate::log::ReadError::Closed));
    assert!(
        clone
            .raise_epoch()
            .await
            .unwrap_err()
            .to_string()
            .contains("closed")
    );
}
