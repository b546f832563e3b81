//! Naming what the database itself can no longer read.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use sqlx::SqlitePool;

use super::row;
use crate::corrupt::Place;

/// What the version index says of every position after `after`. The index holds all of these
/// columns, so it answers even when the row's own page is unreadable.
pub(super) async fn by_index(pool: &SqlitePool, after: u64, until: u64) -> BTreeMap<u64, Place> {
    let mut named = BTreeMap::new();
    let mut rows =
        sqlx::query("SELECT position, kind, id, version FROM commits INDEXED BY commits_version")
            .fetch(pool);
    // An index that is damaged as well ends the walk: what was read before still names rows.
    while let Ok(Some(row)) = rows.try_next().await {
        let place = row::place(&row);
        if let Some(position) = place
            .position
            .filter(|it| (after + 1..=until).contains(&it.0))
        {
            named.insert(position.0, place);
        }
    }
    named
}

/// The row a message of `PRAGMA integrity_check` is about, such as
/// `row 17 missing from index commits_version`.
pub(super) fn row_of(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("row ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
