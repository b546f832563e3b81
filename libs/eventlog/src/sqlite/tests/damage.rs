//! Every damaged byte is found, and aggregate and version are named.

use std::fs;
use std::path::Path;

use sqlx::{Connection as _, Row as _};

use super::{closed_log, sql, stranger};
use crate::checkpoint::{CheckError, Checkpoint, Lie, check};
use crate::commit::Stored;
use crate::conformance::{identity, slot};
use crate::corrupt::Corrupt;
use crate::log::{EventLog as _, Position, ReadError};
use crate::sqlite::{SqliteLog, VerifyError, verify_file};

const NO_TRIGGERS: &str = "DROP TRIGGER commits_no_update; DROP TRIGGER commits_no_delete; \
                           DROP TRIGGER commits_no_replace;";

async fn found(path: &Path) -> Vec<Corrupt> {
    match verify_file(path, |_, _| {}).await {
        Err(VerifyError::Corrupt(found)) => found,
        other => panic!("nothing found: {other:?}"),
    }
}

async fn contents(path: &Path) -> Vec<Stored> {
    let log = SqliteLog::open_existing(path).await.unwrap();
    let all = log.read(Position(0), 10_000).await.unwrap();
    log.close().await;
    all
}

#[tokio::test]
async fn a_whole_log_verifies_with_progress() {
    let (_dir, path) = closed_log(7, 300).await;
    let mut told = Vec::new();
    let verified = verify_file(&path, |done, all| told.push((done, all)))
        .await
        .unwrap();
    assert_eq!((verified.commits, verified.aggregates), (2100, 7));
    assert_eq!(verified.tail.position, Position(2100));
    assert_eq!(told.last(), Some(&(2100, 2100)));
}

#[tokio::test]
async fn an_empty_log_verifies() {
    let (_dir, path) = closed_log(0, 0).await;
    let verified = verify_file(&path, |_, _| {}).await.unwrap();
    assert_eq!((verified.commits, verified.aggregates), (0, 0));
}

#[tokio::test]
async fn every_flipped_byte_of_every_column_is_found_and_named() {
    let (_dir, path) = closed_log(2, 2).await;
    sql(&path, NO_TRIGGERS).await.unwrap();
    let original = contents(&path).await;
    let victim = &original[2];
    for column in ["kind", "id", "version", "commit_id", "hash", "bytes"] {
        let mut connection = stranger(&path).await;
        let length: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT length(CAST({column} AS BLOB)) FROM commits WHERE position = 3"
        )))
        .fetch_one(&mut connection)
        .await
        .unwrap();
        connection.close().await.unwrap();
        for byte in 0..length {
            flip_column(&path, column, byte).await;
            let found = found(&path).await;
            let text = VerifyError::Corrupt(found.clone()).to_string();
            assert_eq!(found.len(), 1, "{column} byte {byte}: {text}");
            let aggregate = victim.commit.aggregate.to_string();
            let version = format!("version {}", victim.commit.version);
            assert!(text.contains(&aggregate), "{column} byte {byte}: {text}");
            assert!(text.contains(&version), "{column} byte {byte}: {text}");
            assert!(text.contains("position 3"), "{column} byte {byte}: {text}");
            flip_column(&path, column, byte).await;
        }
    }
    verify_file(&path, |_, _| {}).await.unwrap();
}

/// Flips a bit of one byte of a column of the third row.
async fn flip_column(path: &Path, column: &'static str, byte: i64) {
    let mut connection = stranger(path).await;
    let query = format!("SELECT CAST({column} AS BLOB) FROM commits WHERE position = 3");
    let row = sqlx::query(sqlx::AssertSqlSafe(query))
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let mut value: Vec<u8> = row.get(0);
    value[usize::try_from(byte).unwrap()] ^= 1;
    let cast = match column {
        "kind" => "CAST($1 AS TEXT)",
        "version" => "CAST(CAST($1 AS TEXT) AS INTEGER)",
        _ => "$1",
    };
    let update = format!("UPDATE commits SET {column} = {cast} WHERE position = 3");
    sqlx::query(sqlx::AssertSqlSafe(update))
        .bind(value)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_moved_row_is_a_position_gap() {
    let (_dir, path) = closed_log(1, 4).await;
    let moved = format!("{NO_TRIGGERS} UPDATE commits SET position = 90 WHERE position = 4;");
    sql(&path, &moved).await.unwrap();
    let found = found(&path).await;
    assert!(
        matches!(&found[..], [Corrupt::PositionGap { at, expected: Position(4) }]
            if at.version == Some(4) && at.position == Some(Position(90))),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_removed_row_is_a_gap_of_positions_and_versions() {
    let (_dir, path) = closed_log(1, 4).await;
    let removed = format!("{NO_TRIGGERS} DELETE FROM commits WHERE position = 2;");
    sql(&path, &removed).await.unwrap();
    let found = found(&path).await;
    assert!(
        matches!(
            &found[..],
            [
                Corrupt::PositionGap {
                    expected: Position(2),
                    ..
                },
                Corrupt::VersionGap { expected: 2, .. },
            ]
        ),
        "{found:?}"
    );
    let log = SqliteLog::open_existing(&path).await.unwrap();
    let loaded = log.load(&slot(1), 0).await;
    assert!(
        matches!(loaded, Err(ReadError::Corrupt(Corrupt::VersionGap { .. }))),
        "{loaded:?}"
    );
    let read = log.read(Position(0), 10).await;
    assert!(
        matches!(read, Err(ReadError::Corrupt(Corrupt::PositionGap { .. }))),
        "{read:?}"
    );
    log.close().await;
}

#[tokio::test]
async fn a_lost_end_is_log_rewound_with_and_without_a_checkpoint() {
    let (_dir, path) = closed_log(1, 4).await;
    let last = contents(&path).await.pop().unwrap();
    let lost = format!("{NO_TRIGGERS} DELETE FROM commits WHERE position = 4;");
    sql(&path, &lost).await.unwrap();
    let found = found(&path).await;
    assert!(found[0].to_string().starts_with("LogRewound"), "{found:?}");
    let log = SqliteLog::open_existing(&path).await.unwrap();
    let checkpoint = Checkpoint {
        position: last.position,
        hash: last.commit.hash(),
        ..Checkpoint::start(&identity())
    };
    let (read, tail) = (Position(4), Position(3));
    assert_eq!(
        check(&log, &checkpoint).await,
        Err(CheckError::Lie(Lie::LogRewound { read, tail }))
    );
    log.close().await;
}

#[tokio::test]
async fn a_replaced_history_is_log_forked() {
    let (_dir, path) = closed_log(1, 4).await;
    let (_other_dir, other) = closed_log(2, 2).await;
    let tail = contents(&path).await.pop().unwrap();
    let checkpoint = Checkpoint {
        position: tail.position,
        hash: tail.commit.hash(),
        ..Checkpoint::start(&identity())
    };
    let log = SqliteLog::open_existing(&other).await.unwrap();
    let at = Position(4);
    assert_eq!(
        check(&log, &checkpoint).await,
        Err(CheckError::Lie(Lie::LogForked { at }))
    );
    log.close().await;
}

#[tokio::test]
async fn a_changed_identity_row_is_found() {
    let (_dir, path) = closed_log(1, 1).await;
    for change in [
        "created_at_us = 5",
        "epoch = 7",
        "log_id = zeroblob(16)",
        "log_id = x'00'",
    ] {
        let statement = format!("DROP TRIGGER IF EXISTS meta_no_update; UPDATE meta SET {change}");
        sql(&path, &statement).await.unwrap();
        let found = found(&path).await;
        assert!(
            matches!(&found[..], [Corrupt::Identity { .. }]),
            "{found:?}"
        );
    }
}

/// The file with a byte of a commit flipped. Pages keep stale copies of rows that were moved, so
/// every copy is changed.
fn flipped(file: &[u8], stored: &Stored, byte: usize, mask: u8) -> Vec<u8> {
    let bytes = stored.commit.bytes();
    let mut damaged = file.to_vec();
    for start in copies(file, bytes) {
        damaged[start + byte] ^= mask;
    }
    damaged
}

fn copies(file: &[u8], bytes: &[u8]) -> Vec<usize> {
    let windows = file.windows(bytes.len()).enumerate();
    windows
        .filter(|(_, it)| *it == bytes)
        .map(|(at, _)| at)
        .collect()
}

/// What counts in the end: a byte flipped inside a stored commit, in the file itself.
#[tokio::test]
async fn a_byte_flipped_in_the_file_inside_a_commit_names_it() {
    let (_dir, path) = closed_log(5, 4).await;
    let original = contents(&path).await;
    let file = fs::read(&path).unwrap();
    for (turn, stored) in original.iter().enumerate() {
        for step in 0..5 {
            let length = stored.commit.bytes().len();
            let damaged = flipped(&file, stored, (turn * 31 + step * 37) % length, 1 << step);
            fs::write(&path, damaged).unwrap();
            let text = VerifyError::Corrupt(found(&path).await).to_string();
            let version = format!("version {}", stored.commit.version);
            assert!(
                text.contains(&stored.commit.aggregate.to_string()),
                "{text}"
            );
            assert!(text.contains(&version), "{text}");
        }
    }
    fs::write(&path, &file).unwrap();
    assert_eq!(contents(&path).await, original);
}

/// Anywhere in the file: found, or without any effect on what is read.
#[tokio::test]
async fn no_flipped_byte_anywhere_changes_what_is_read_unnoticed() {
    let (_dir, path) = closed_log(5, 4).await;
    let original = contents(&path).await;
    let file = fs::read(&path).unwrap();
    let mut noticed = 0;
    let stride = file.len() / 400;
    for turn in 0..400 {
        let place = turn * stride + turn * turn % stride;
        let mut damaged = file.clone();
        damaged[place] ^= 1 << (place % 8);
        // A directory of its own: nothing that the last turn had open can reach this one.
        let fresh = tempfile::tempdir().unwrap();
        let path = fresh.path().join("log.db");
        fs::write(&path, damaged).unwrap();
        match verify_file(&path, |_, _| {}).await {
            Ok(_) => assert_eq!(contents(&path).await, original, "byte {place}"),
            Err(_) => noticed += 1,
        }
    }
    assert!(
        noticed > 20,
        "only {noticed} noticed: the flips missed the data"
    );
}

/// A page that the database cannot read: its rows are named by the index.
#[tokio::test]
async fn rows_on_an_unreadable_page_are_named() {
    let (_dir, path) = closed_log(3, 60).await;
    let original = contents(&path).await;
    let victim = &original[90];
    let mut file = fs::read(&path).unwrap();
    let bytes = victim.commit.bytes();
    // The type byte of a b-tree page: with another one the page cannot be read at all.
    for at in copies(&file.clone(), bytes) {
        file[at / 4096 * 4096] = 0xff;
    }
    fs::write(&path, file).unwrap();
    let found = found(&path).await;
    let text = VerifyError::Corrupt(found).to_string();
    assert!(
        text.contains(&victim.commit.aggregate.to_string()),
        "{text}"
    );
    let line = format!("version {} at position 91:", victim.commit.version);
    assert!(text.contains(&line), "{text}");
    // Rows after the page are still checked: the last one is whole and not reported.
    assert!(!text.contains("position 180"), "{text}");
}

#[tokio::test]
async fn a_damaged_index_is_found() {
    let (_dir, path) = closed_log(1, 4).await;
    let mut connection = stranger(&path).await;
    let root: i64 =
        sqlx::query_scalar("SELECT rootpage FROM sqlite_schema WHERE name = 'commits_commit_id'")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    connection.close().await.unwrap();
    let mut file = fs::read(&path).unwrap();
    // A small page is filled from its end: this is inside an entry.
    let end = usize::try_from(root).unwrap() * 4096;
    file[end - 6] ^= 0x40;
    fs::write(&path, file).unwrap();
    let found = found(&path).await;
    assert!(matches!(found[0], Corrupt::Damaged { .. }), "{found:?}");
}
