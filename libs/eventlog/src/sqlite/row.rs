//! One row of `commits`, with every column compared with the sealed bytes.

use bytes::Bytes;
use ids::{AggregateId, Uuid};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

use crate::commit::{SealedCommit, Stored};
use crate::corrupt::{Corrupt, Place};
use crate::log::Position;

/// The columns that [`stored`] expects, in order.
macro_rules! columns {
    () => {
        "position, kind, id, version, commit_id, hash, bytes"
    };
}
pub(crate) use columns;

/// The columns of a row, as far as they can be read.
struct Columns<'r> {
    position: Position,
    kind: Option<&'r str>,
    id: Option<Uuid>,
    version: Option<u64>,
    commit_id: Option<&'r [u8]>,
    hash: Option<[u8; 32]>,
    bytes: Option<&'r [u8]>,
}

/// Reads a row: the bytes must have the hash, and each column must say what the bytes say.
pub(crate) fn stored(row: &SqliteRow) -> Result<Stored, Corrupt> {
    let columns = columns_of(row);
    let place = columns.place();
    let unreadable = |column: &str| Corrupt::Undecodable {
        at: place.clone().into(),
        why: format!("column `{column}` cannot be read"),
    };
    let hash = columns.hash.ok_or_else(|| unreadable("hash"))?;
    let bytes = columns.bytes.ok_or_else(|| unreadable("bytes"))?;
    let commit =
        SealedCommit::open(Bytes::copy_from_slice(bytes), hash).map_err(|it| it.at_row(&place))?;
    let differs = |column: &'static str| {
        let mut at = Box::new(place.clone());
        at.sealed = Some((commit.aggregate.clone(), commit.version));
        Corrupt::IndexMismatch { at, column }
    };
    if columns.kind != Some(commit.aggregate.kind()) {
        return Err(differs("kind"));
    }
    if columns.id != Some(commit.aggregate.id()) {
        return Err(differs("id"));
    }
    if columns.version != Some(commit.version) {
        return Err(differs("version"));
    }
    if columns.commit_id != Some(commit.commit_id.0.as_bytes()) {
        return Err(differs("commit_id"));
    }
    Ok(Stored {
        position: columns.position,
        commit,
    })
}

/// Names a row by the columns that can be read; expects `position, kind, id, version` first.
pub(crate) fn place(row: &SqliteRow) -> Place {
    let kind = text(row, 1);
    let id = blob(row, 2).and_then(|it| Uuid::from_slice(it).ok());
    Place {
        aggregate: kind
            .zip(id)
            .and_then(|(kind, id)| AggregateId::parse_parts(kind, id).ok()),
        version: unsigned(row, 3),
        position: unsigned(row, 0).map(Position),
        sealed: None,
    }
}

fn columns_of(row: &SqliteRow) -> Columns<'_> {
    Columns {
        position: Position(unsigned(row, 0).unwrap_or(0)),
        kind: text(row, 1),
        id: blob(row, 2).and_then(|it| Uuid::from_slice(it).ok()),
        version: unsigned(row, 3),
        commit_id: blob(row, 4),
        hash: blob(row, 5).and_then(|it| it.try_into().ok()),
        bytes: blob(row, 6),
    }
}

impl Columns<'_> {
    fn place(&self) -> Place {
        let parts = self.kind.zip(self.id);
        Place {
            aggregate: parts.and_then(|(kind, id)| AggregateId::parse_parts(kind, id).ok()),
            version: self.version,
            position: Some(self.position),
            sealed: None,
        }
    }
}

fn text(row: &SqliteRow, index: usize) -> Option<&str> {
    row.try_get::<&str, _>(index).ok()
}

/// A blob, and nothing else: a damaged row header can turn a blob into a text of the same bytes.
fn blob(row: &SqliteRow, index: usize) -> Option<&[u8]> {
    let raw = row.try_get_raw(index).ok()?;
    if raw.type_info().name() != "BLOB" {
        return None;
    }
    row.try_get::<&[u8], _>(index).ok()
}

fn unsigned(row: &SqliteRow, index: usize) -> Option<u64> {
    let value = row.try_get::<i64, _>(index).ok()?;
    u64::try_from(value).ok()
}
