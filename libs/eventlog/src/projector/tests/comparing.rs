//! Rebuilding, and finding what a rebuild would change.

use super::{counts, mem, open, place, rows, sql, verify};
use crate::conformance::{append, fill, slot};
use crate::log::Position;
use crate::projector::{Database, Difference, Kind, ProjectorError, rebuild};

#[tokio::test]
async fn planted_differences_are_found_by_table_and_key() {
    let (_dir, path) = place();
    let log = mem();
    fill(&log, 4, 3).await.unwrap();
    open(&path, &log).await.close().await;
    assert_eq!(verify(&path, &log, 1).await, []);
    sql(
        &path,
        "UPDATE counts SET commits = 99 WHERE aggregate LIKE '%1';
         UPDATE said SET payload = 'it''s' WHERE aggregate LIKE '%2' AND version = 2;
         DELETE FROM said WHERE aggregate LIKE '%3' AND version = 1;
         INSERT INTO counts VALUES ('it''s new', 1, 1);",
    )
    .await;
    // Later commits do not matter: the rows are compared as of their own checkpoint.
    append(&log, &slot(1), "later").await.unwrap();
    let found = verify(&path, &log, 1).await;
    let changed = |column: &str, live: &str, expected: &str| Kind::Changed {
        column: column.into(),
        live: live.into(),
        expected: expected.into(),
    };
    let expected = [
        ("counts", "'it''s new'".into(), Kind::Extra),
        (
            "counts",
            format!("'{}'", slot(1)),
            changed("commits", "99", "3"),
        ),
        ("said", format!("'{}', 1", slot(3)), Kind::Lost),
        (
            "said",
            format!("'{}', 2", slot(2)),
            changed("payload", "'it''s'", "'fill 2'"),
        ),
    ]
    .map(|(table, key, kind)| Difference { table, key, kind });
    assert_eq!(found, expected);
    assert!(found[1].to_string().contains("commits is 99, expected 3"));
}

#[tokio::test]
async fn a_rebuild_makes_the_same_rows_and_says_how_far_it_is() {
    let (_dir, path) = place();
    let log = mem();
    fill(&log, 10, 10).await.unwrap();
    let projector = open(&path, &log).await;
    let before = rows(&projector).await;
    projector.close().await;
    drop(projector);
    sql(&path, "DELETE FROM counts").await;
    let mut told = Vec::new();
    let database = Database::from(&path);
    let checkpoint = rebuild(&database, &log, &counts(1), &mut |done, all| {
        told.push((done, all));
    })
    .await
    .unwrap();
    assert_eq!(checkpoint.position, Position(100));
    assert_eq!(told.last(), Some(&(100, 100)));
    let projector = open(&path, &log).await;
    assert_eq!(rows(&projector).await, before);
}

#[tokio::test]
async fn a_rebuild_that_fails_leaves_the_old_rows_in_use() {
    let (_dir, path) = place();
    let log = mem();
    fill(&log, 2, 2).await.unwrap();
    let projector = open(&path, &log).await;
    append(&log, &slot(1), "unknown now").await.unwrap();
    let failed = rebuild(&(&path).into(), &log, &counts(1), &mut |_, _| {}).await;
    assert!(matches!(failed, Err(ProjectorError::Stopped { .. })));
    assert_eq!(rows(&projector).await.len(), 2);
}
