//! The triggers hold for every program that opens the file.

use super::{closed_log, sql};
use crate::log::{EventLog as _, Position};
use crate::sqlite::SqliteLog;

#[tokio::test]
async fn no_statement_changes_what_is_stored() {
    let (_dir, path) = closed_log(2, 2).await;
    let log = SqliteLog::open_existing(&path).await.unwrap();
    let before = log.read(Position(0), 10).await.unwrap();
    log.close().await;
    for statement in [
        "UPDATE commits SET bytes = x'00'",
        "UPDATE commits SET hash = x'00' WHERE position = 4",
        "UPDATE OR REPLACE commits SET position = 1 WHERE position = 2",
        "DELETE FROM commits",
        "DELETE FROM commits WHERE position = 4",
        "INSERT OR REPLACE INTO commits SELECT * FROM commits WHERE position = 2",
        "REPLACE INTO commits SELECT 9, kind, id, version, x'09', hash, bytes FROM commits \
         WHERE position = 2",
        "REPLACE INTO commits SELECT 9, kind, id, 9, commit_id, hash, bytes FROM commits \
         WHERE position = 2",
        "INSERT INTO commits SELECT 3, kind, id, 9, x'09', hash, bytes FROM commits \
         WHERE position = 2",
        "UPDATE meta SET log_id = x'00'",
        "UPDATE meta SET epoch = 0",
        "UPDATE meta SET epoch = 1, seal = x'00'",
        "DELETE FROM meta",
        "REPLACE INTO meta VALUES (1, x'00', 2, 0, x'00')",
    ] {
        let refused = sql(&path, statement).await.unwrap_err().to_string();
        assert!(refused.contains("the log"), "{statement}: {refused}");
    }
    let log = SqliteLog::open_existing(&path).await.unwrap();
    assert_eq!(log.read(Position(0), 10).await.unwrap(), before);
    super::super::verify(&log, |_, _| {}).await.unwrap();
    log.close().await;
}

#[tokio::test]
async fn reading_connections_cannot_write() {
    let (_dir, path) = closed_log(1, 1).await;
    let log = SqliteLog::open_existing(&path).await.unwrap();
    let refused = sqlx::raw_sql("CREATE TABLE x (y)")
        .execute(log.readers())
        .await;
    assert!(refused.unwrap_err().to_string().contains("readonly"));
    log.close().await;
}
