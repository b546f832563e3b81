//! Walking a whole log: every byte of every row, every chain, every position.

use std::collections::BTreeMap;
use std::path::Path;

use futures::TryStreamExt as _;
use ids::AggregateId;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqlitePool};

use super::row::{self, columns};
use super::{OpenError, SqliteLog, damage, error, read};
use crate::commit::{Head, Stored};
use crate::corrupt::{Corrupt, Place};
use crate::log::{Position, ReadError, Tail};

/// Rows read at once.
const PAGE: i64 = 2048;

/// And not many more bytes than this.
const PAGE_BYTES: usize = 8 << 20;

/// After this many findings the walk ends: the log has to be restored anyway.
const FINDINGS: usize = 100;

const ROWS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM commits WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3"
);
const ONE: &str = concat!("SELECT ", columns!(), " FROM commits WHERE position = $1");

/// What a log holds that was found whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// How many commits.
    pub commits: u64,
    /// On how many aggregates.
    pub aggregates: u64,
    /// The end that was reached.
    pub tail: Tail,
}

/// Why a log was not found whole.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// What is damaged, up to 100 findings.
    #[error("{}", list(.0))]
    Corrupt(Vec<Corrupt>),
    /// It could not be read to the end.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

fn list(found: &[Corrupt]) -> String {
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Opens and verifies the log in a file.
pub async fn verify_file(
    path: &Path,
    progress: impl FnMut(u64, u64),
) -> Result<Verified, VerifyError> {
    let log = SqliteLog::open_existing(path).await?;
    let verified = verify(&log, progress).await;
    log.close().await;
    verified
}

/// Verifies what the log holds at this moment; `progress` is told how many of how many commits
/// were seen.
pub async fn verify(
    log: &SqliteLog,
    mut progress: impl FnMut(u64, u64),
) -> Result<Verified, VerifyError> {
    let mut walk = Walk::default();
    match read::identity(&log.shared).await {
        Ok(_) => {}
        Err(ReadError::Corrupt(corrupt)) => walk.found.push(corrupt),
        Err(other) => return Err(other.into()),
    }
    let until = walk.ends(log).await?;
    // The database's own check compares tables and indexes; it runs beside the walk.
    let structure = tokio::spawn(structure(log.readers().clone()));
    walk.rows(log, until, &mut progress).await?;
    let messages = structure.await.unwrap_or_default();
    walk.structure(&messages, until);
    if walk.found.is_empty() {
        Ok(Verified {
            commits: walk.commits,
            aggregates: walk.heads.len() as u64,
            tail: walk.tail,
        })
    } else {
        Err(VerifyError::Corrupt(walk.found))
    }
}

#[derive(Default)]
struct Walk {
    found: Vec<Corrupt>,
    /// The head per aggregate; `None` after damage, when any next commit has to be believed.
    heads: BTreeMap<AggregateId, Option<Head>>,
    commits: u64,
    last: u64,
    tail: Tail,
}

impl Walk {
    /// The position to walk to; notes when the log once reached further.
    async fn ends(&mut self, log: &SqliteLog) -> Result<u64, ReadError> {
        let ends: Result<(i64, i64), _> = sqlx::query_as(
            "SELECT coalesce((SELECT max(position) FROM commits), 0), \
                    coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = 'commits'), 0)",
        )
        .fetch_one(log.readers())
        .await;
        let (last, reached) = match ends {
            Ok(ends) => ends,
            Err(e) => match error::read(&e, log.path()) {
                // The end cannot be read: the walk names what it can.
                ReadError::Corrupt(_) => (i64::MAX - 1, 0),
                other @ (ReadError::Unavailable(_)
                | ReadError::Beyond { .. }
                | ReadError::Unknown(_)
                | ReadError::Closed
                | ReadError::Lie(_)) => return Err(other),
            },
        };
        let unsigned = |it: i64| u64::try_from(it).unwrap_or(0);
        if last < reached {
            let (tail, reached) = (Position(unsigned(last)), Position(unsigned(reached)));
            self.found.push(Corrupt::Truncated { tail, reached });
        }
        Ok(unsigned(last))
    }

    async fn rows(
        &mut self,
        log: &SqliteLog,
        until: u64,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), ReadError> {
        let mut hashing: Option<tokio::task::JoinHandle<Vec<Result<Stored, Corrupt>>>> = None;
        let mut after = 0;
        loop {
            // The next page is read while the last one is hashed.
            let (rows, failure) = fetch(log.readers(), after, until).await;
            if let Some(page) = hashing.take() {
                self.page(page.await.unwrap_or_default());
                progress(self.commits, until);
            }
            let full = self.found.len() >= FINDINGS;
            if let Some(e) = failure {
                let failure = error::read(&e, log.path());
                if !matches!(failure, ReadError::Corrupt(_)) {
                    return Err(failure);
                }
                self.page(rows.iter().map(row::stored).collect());
                self.one_by_one(log, until, &e).await;
                return Ok(());
            }
            let Some(last) = rows.last() else {
                return Ok(());
            };
            if full {
                return Ok(());
            }
            let position: i64 = last.try_get(0).unwrap_or(i64::MAX);
            after = u64::try_from(position).unwrap_or(u64::MAX);
            hashing = Some(tokio::task::spawn_blocking(move || {
                rows.iter().map(row::stored).collect()
            }));
        }
    }

    /// Reads the rest row by row: rows around a damaged page are still checked, and those on it
    /// are named by the index.
    async fn one_by_one(&mut self, log: &SqliteLog, until: u64, error: &sqlx::Error) {
        let named = damage::by_index(log.readers(), self.last, until).await;
        let before = self.found.len();
        for (position, place) in named {
            if self.found.len() >= FINDINGS {
                return;
            }
            let bound = i64::try_from(position).unwrap_or(i64::MAX);
            let row = sqlx::query(ONE).bind(bound).fetch_optional(log.readers());
            match row.await {
                Ok(Some(row)) => self.page(vec![row::stored(&row)]),
                Ok(None) => self.damaged(place, "the row is in the index but not in the table"),
                Err(e) => self.damaged(place, &e.to_string()),
            }
        }
        if self.found.len() == before {
            let place = Place::at(Position(self.last + 1));
            self.damaged(place, &error.to_string());
        }
    }

    fn damaged(&mut self, place: Place, why: &str) {
        if let Some(position) = place.position {
            self.last = position.0;
        }
        if let Some(aggregate) = &place.aggregate {
            self.heads.insert(aggregate.clone(), None);
        }
        self.found.push(Corrupt::Damaged {
            at: Box::new(place),
            why: why.to_owned(),
        });
    }

    fn page(&mut self, page: Vec<Result<Stored, Corrupt>>) {
        for row in page {
            self.commits += 1;
            match row {
                Ok(stored) => self.commit(&stored),
                Err(corrupt) => self.unreadable(corrupt),
            }
        }
    }

    fn unreadable(&mut self, corrupt: Corrupt) {
        if let Some(place) = corrupt.place() {
            self.last = place.position.map_or(self.last + 1, |it| it.0);
            let named = place.aggregate.iter().cloned();
            let sealed = place.sealed.iter().map(|it| it.0.clone());
            for aggregate in named.chain(sealed) {
                self.heads.insert(aggregate, None);
            }
        }
        self.found.push(corrupt);
    }

    fn commit(&mut self, stored: &Stored) {
        let commit = &stored.commit;
        let at = || Place::new(&commit.aggregate, commit.version, Some(stored.position));
        let expected = Position(self.last + 1);
        if stored.position != expected {
            self.found.push(Corrupt::PositionGap {
                at: at().into(),
                expected,
            });
        }
        self.last = stored.position.0;
        self.tail = Tail {
            position: stored.position,
            hash: commit.hash(),
        };
        // Nothing known yet is the same as nothing stored; after damage anything is believed.
        let head = Some(commit.head());
        let before = if let Some(known) = self.heads.get_mut(&commit.aggregate) {
            std::mem::replace(known, head)
        } else {
            self.heads.insert(commit.aggregate.clone(), head);
            Some(Head::NONE)
        };
        if let Some(head) = before {
            let expected = head.version + 1;
            if commit.version != expected {
                let at = at().into();
                self.found.push(Corrupt::VersionGap { at, expected });
            } else if commit.prev_hash != head.hash {
                self.found.push(Corrupt::BrokenChain { at: at().into() });
            }
        }
        self.heads
            .insert(commit.aggregate.clone(), Some(commit.head()));
    }

    /// Adds what only the database's own check can see, such as a damaged index.
    fn structure(&mut self, messages: &[String], until: u64) {
        if !self.found.is_empty() {
            return;
        }
        for why in messages {
            let position = damage::row_of(why).filter(|it| *it <= until).map(Position);
            self.found.push(Corrupt::Damaged {
                at: Box::new(position.map(Place::at).unwrap_or_default()),
                why: why.clone(),
            });
        }
    }
}

/// One page, or what could be read of it and why no more.
async fn fetch(pool: &SqlitePool, after: u64, until: u64) -> (Vec<SqliteRow>, Option<sqlx::Error>) {
    let bound = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let mut page = Vec::new();
    let mut rows = sqlx::query(ROWS)
        .bind(bound(after))
        .bind(bound(until))
        .bind(PAGE)
        .fetch(pool);
    let mut bytes = 0;
    loop {
        if bytes > PAGE_BYTES {
            return (page, None);
        }
        match rows.try_next().await {
            Ok(Some(row)) => {
                bytes += row.try_get::<&[u8], _>(6).map_or(0, <[u8]>::len);
                page.push(row);
            }
            Ok(None) => return (page, None),
            Err(e) => return (page, Some(e)),
        }
    }
}

/// What `PRAGMA integrity_check` has to say; nothing when all is well.
async fn structure(pool: SqlitePool) -> Vec<String> {
    let answer: Result<Vec<String>, _> = sqlx::query_scalar("PRAGMA integrity_check(100)")
        .fetch_all(&pool)
        .await;
    match answer {
        Ok(lines) => lines.into_iter().filter(|it| it != "ok").collect(),
        Err(e) => vec![e.to_string()],
    }
}
