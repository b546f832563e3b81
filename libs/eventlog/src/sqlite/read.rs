//! What the read connections answer. Every commit that is given was checked.

use futures::TryStreamExt as _;
use ids::{AggregateId, CommitId};

use super::row::{self, columns};
use super::{Shared, error, schema};
use crate::commit::{Head, Stored};
use crate::corrupt::{Corrupt, Place};
use crate::log::{LogIdentity, Position, ReadError, Tail, chained};
use crate::subscription::PAGE_BYTES;

const PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM commits WHERE position > $1 ORDER BY position LIMIT $2"
);
const LOAD: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM commits WHERE kind = $1 AND id = $2 AND version >= $3 ORDER BY version"
);
const RESOLVE: &str = concat!("SELECT ", columns!(), " FROM commits WHERE commit_id = $1");
const LAST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM commits ORDER BY position DESC LIMIT 1"
);
const HEAD: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM commits WHERE kind = $1 AND id = $2 ORDER BY version DESC LIMIT 1"
);

pub(super) async fn page(
    log: &Shared,
    after: Position,
    limit: usize,
) -> Result<Vec<Stored>, ReadError> {
    let failed = |e: sqlx::Error| error::read(&e, &log.path);
    let Ok(from) = i64::try_from(after.0) else {
        return Err(beyond(log, after).await);
    };
    let mut page: Vec<Stored> = Vec::new();
    let mut bytes = 0;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = sqlx::query(PAGE).bind(from).bind(limit).fetch(&log.readers);
    let mut expected = Position(after.0 + 1);
    while bytes < PAGE_BYTES {
        let Some(row) = rows.try_next().await.map_err(failed)? else {
            break;
        };
        let stored = row::stored(&row)?;
        if stored.position != expected {
            let commit = &stored.commit;
            let at = Place::new(&commit.aggregate, commit.version, Some(stored.position)).into();
            return Err(Corrupt::PositionGap { at, expected }.into());
        }
        expected = Position(stored.position.0 + 1);
        bytes += stored.commit.bytes().len();
        page.push(stored);
    }
    drop(rows);
    if page.is_empty() && limit > 0 && after > tail(log).await?.position {
        return Err(beyond(log, after).await);
    }
    Ok(page)
}

async fn beyond(log: &Shared, after: Position) -> ReadError {
    match tail(log).await {
        Ok(tail) => ReadError::Beyond {
            asked: after.0,
            tail: tail.position.0,
        },
        Err(error) => error,
    }
}

pub(super) async fn load(
    log: &Shared,
    aggregate: &AggregateId,
    after_version: u64,
) -> Result<Vec<Stored>, ReadError> {
    // Reads the version before as well: its hash is what the first one has to follow.
    let from = i64::try_from(after_version).unwrap_or(i64::MAX);
    let rows = sqlx::query(LOAD)
        .bind(aggregate.kind())
        .bind(&aggregate.id().as_bytes()[..])
        .bind(from)
        .fetch_all(&log.readers)
        .await
        .map_err(|e| error::read(&e, &log.path))?;
    let mut commits = Vec::with_capacity(rows.len());
    for row in &rows {
        commits.push(row::stored(row)?);
    }
    let mut before = None;
    if after_version > 0 {
        match commits.first() {
            Some(first) if first.commit.version == after_version => {
                before = Some(commits.remove(0).commit.hash());
            }
            Some(_) => {}
            None => {
                let tail = head(log, aggregate).await?.version;
                let asked = after_version;
                return Err(ReadError::Beyond { asked, tail });
            }
        }
    }
    chained(aggregate, after_version, before, &commits)?;
    Ok(commits)
}

pub(super) async fn head(log: &Shared, aggregate: &AggregateId) -> Result<Head, ReadError> {
    let row = sqlx::query(HEAD)
        .bind(aggregate.kind())
        .bind(&aggregate.id().as_bytes()[..])
        .fetch_optional(&log.readers)
        .await
        .map_err(|e| error::read(&e, &log.path))?;
    match row {
        Some(row) => Ok(row::stored(&row)?.commit.head()),
        None => Ok(Head::NONE),
    }
}

pub(super) async fn tail(log: &Shared) -> Result<Tail, ReadError> {
    let row = sqlx::query(LAST)
        .fetch_optional(&log.readers)
        .await
        .map_err(|e| error::read(&e, &log.path))?;
    let Some(row) = row else {
        return Ok(Tail::default());
    };
    let stored = row::stored(&row)?;
    Ok(Tail {
        position: stored.position,
        hash: stored.commit.hash(),
    })
}

pub(super) async fn resolve(
    log: &Shared,
    commit_id: CommitId,
) -> Result<Option<Stored>, ReadError> {
    let row = sqlx::query(RESOLVE)
        .bind(&commit_id.0.as_bytes()[..])
        .fetch_optional(&log.readers)
        .await
        .map_err(|e| error::read(&e, &log.path))?;
    Ok(row.as_ref().map(row::stored).transpose()?)
}

pub(super) async fn identity(log: &Shared) -> Result<LogIdentity, ReadError> {
    let row: Option<(Vec<u8>, i64, i64, Vec<u8>)> =
        sqlx::query_as("SELECT log_id, epoch, created_at_us, seal FROM meta")
            .fetch_optional(&log.readers)
            .await
            .map_err(|e| error::read(&e, &log.path))?;
    let Some((log_id, epoch, created_at_us, seal)) = row else {
        let why = "the identity row is missing".into();
        return Err(Corrupt::Identity { why }.into());
    };
    schema::identity(&log_id, epoch, created_at_us, &seal)
        .map_err(|why| Corrupt::Identity { why }.into())
}
