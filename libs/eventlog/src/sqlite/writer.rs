//! The one writer of a log file: takes what is queued, stores it in one transaction, and
//! answers each append by itself.

use std::path::PathBuf;

use sqlx::sqlite::SqliteConnection;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::open::{close, execute, last_position};
use super::row::{self, columns};
use super::{error, schema};
use crate::commit::{Head, SealedCommit, Stored};
use crate::corrupt::Corrupt;
use crate::log::{AppendError, Appended, LogIdentity, Position, follows, repeats};

/// At most this many commits share a transaction.
const GROUP: usize = 256;

/// And not many more bytes than this.
const GROUP_BYTES: usize = 8 << 20;

pub(super) enum Request {
    Append {
        commit: SealedCommit,
        answer: oneshot::Sender<Result<Appended, AppendError>>,
    },
    RaiseEpoch {
        answer: oneshot::Sender<Result<u32, AppendError>>,
    },
}

type Answer = oneshot::Sender<Result<Appended, AppendError>>;

pub(super) struct Writer {
    pub(super) path: PathBuf,
    pub(super) connection: SqliteConnection,
    pub(super) tail: watch::Sender<Position>,
    pub(super) stop: CancellationToken,
}

const BY_COMMIT_ID: &str = concat!("SELECT ", columns!(), " FROM commits WHERE commit_id = $1");
/// What an append has to know, in one trip to SQLite's thread: the head of its aggregate, and
/// whether its id is taken.
const BEFORE: &str = "SELECT version, hash, EXISTS (SELECT 1 FROM commits WHERE commit_id = $3) \
                      FROM (SELECT 1) LEFT JOIN \
                      (SELECT version, hash FROM commits WHERE kind = $1 AND id = $2 \
                       ORDER BY version DESC LIMIT 1)";
const INSERT: &str = "INSERT INTO commits (position, kind, id, version, commit_id, hash, bytes) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7)";

impl Writer {
    pub(super) async fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        loop {
            let request = tokio::select! {
                biased;
                request = requests.recv() => request,
                () = self.stop.cancelled(), if !requests.is_closed() => {
                    requests.close();
                    continue;
                }
            };
            match request {
                None => break,
                Some(Request::RaiseEpoch { answer }) => {
                    let raised = self.raise_epoch().await;
                    // Nobody waits any more: the epoch was raised all the same.
                    let _unheard = answer.send(raised).is_err();
                }
                Some(Request::Append { commit, answer }) => {
                    self.take_group(commit, answer, &mut requests).await;
                }
            }
        }
        close(self.connection).await;
    }

    /// Adds what is queued already, and stores it all.
    async fn take_group(
        &mut self,
        commit: SealedCommit,
        answer: Answer,
        requests: &mut mpsc::Receiver<Request>,
    ) {
        let mut bytes = commit.bytes().len();
        let mut group = vec![(commit, answer)];
        let mut after = None;
        while group.len() < GROUP && bytes < GROUP_BYTES {
            match requests.try_recv() {
                Ok(Request::Append { commit, answer }) => {
                    bytes += commit.bytes().len();
                    group.push((commit, answer));
                }
                Ok(Request::RaiseEpoch { answer }) => {
                    after = Some(answer);
                    break;
                }
                Err(_) => break,
            }
        }
        self.store_group(group).await;
        if let Some(answer) = after {
            let raised = self.raise_epoch().await;
            let _unheard = answer.send(raised).is_err();
        }
    }

    async fn store_group(&mut self, group: Vec<(SealedCommit, Answer)>) {
        let commits: Vec<_> = group.iter().map(|it| it.0.clone()).collect();
        let answers = match self.store(&commits).await {
            Ok(answers) => answers,
            // Every commit of the group shares the fate of the transaction.
            Err(error) => vec![Err(error); commits.len()],
        };
        for ((_, answer), result) in group.into_iter().zip(answers) {
            // The caller may have gone; what is stored stays stored.
            let _unheard = answer.send(result).is_err();
        }
    }

    /// One transaction. An error means that nothing of it was stored, unless it is `Ambiguous`.
    async fn store(
        &mut self,
        commits: &[SealedCommit],
    ) -> Result<Vec<Result<Appended, AppendError>>, AppendError> {
        self.begin().await?;
        let (answers, tail) = match self.insert_all(commits).await {
            Ok(done) => done,
            Err(error) => {
                self.rollback().await;
                return Err(error);
            }
        };
        if tail == *self.tail.borrow() {
            self.rollback().await;
            return Ok(answers);
        }
        if let Err(e) = execute(&mut self.connection, "COMMIT").await {
            self.rollback().await;
            return Err(self.commit_failed(&e).await);
        }
        self.tail.send_replace(tail);
        Ok(answers)
    }

    async fn begin(&mut self) -> Result<(), AppendError> {
        let begun = execute(&mut self.connection, "BEGIN IMMEDIATE").await;
        begun.map_err(|e| error::append(&e, &self.path))
    }

    async fn rollback(&mut self) {
        // SQLite has rolled back by itself after some errors: then there is nothing to do.
        if let Err(error) = execute(&mut self.connection, "ROLLBACK").await {
            tracing::debug!(%error, "rolling back");
        }
    }

    /// A full disk at the end of a transaction stores nothing; after anything else only a look
    /// at the log can tell.
    async fn commit_failed(&mut self, error: &sqlx::Error) -> AppendError {
        let known = error::append(error, &self.path);
        match last_position(&mut self.connection).await {
            Ok(last) if last == *self.tail.borrow() && matches!(known, AppendError::Full(_)) => {
                known
            }
            _ => AppendError::Ambiguous(known.to_string()),
        }
    }

    async fn insert_all(
        &mut self,
        commits: &[SealedCommit],
    ) -> Result<(Vec<Result<Appended, AppendError>>, Position), AppendError> {
        let epoch = self.identity().await?.epoch;
        let mut tail = self.checked_tail().await?;
        let mut answers = Vec::with_capacity(commits.len());
        for commit in commits {
            let next = Position(tail.0 + 1);
            match self.insert(commit, epoch, next).await {
                Ok(appended) => {
                    if !appended.duplicate {
                        tail = next;
                    }
                    answers.push(Ok(appended));
                }
                // Refused alone; the database itself works.
                Err(
                    refused @ (AppendError::Conflict { .. }
                    | AppendError::CommitIdTaken { .. }
                    | AppendError::Fenced { .. }
                    | AppendError::Corrupt(_)
                    | AppendError::TooLarge { .. }
                    | AppendError::Forbidden(_)
                    | AppendError::Lie(_)),
                ) => answers.push(Err(refused)),
                Err(
                    broken @ (AppendError::Ambiguous(_)
                    | AppendError::Unavailable(_)
                    | AppendError::Full(_)),
                ) => return Err(broken),
            }
        }
        Ok((answers, tail))
    }

    /// The last position by the database, which must not be less than what was acknowledged.
    async fn checked_tail(&mut self) -> Result<Position, AppendError> {
        let tail = last_position(&mut self.connection)
            .await
            .map_err(|e| error::append(&e, &self.path))?;
        let reached = *self.tail.borrow();
        if tail < reached {
            return Err(Corrupt::Truncated { tail, reached }.into());
        }
        Ok(tail)
    }

    async fn insert(
        &mut self,
        commit: &SealedCommit,
        epoch: u32,
        position: Position,
    ) -> Result<Appended, AppendError> {
        let (head, is_taken) = self.before(commit).await?;
        if is_taken && let Some(stored) = self.by_commit_id(commit).await? {
            return repeats(commit, &stored);
        }
        follows(commit, &head?, epoch)?;
        let bound = i64::try_from(position.0).unwrap_or(i64::MAX);
        insert_row(&mut self.connection, bound, commit)
            .await
            .map_err(|e| error::append(&e, &self.path))?;
        let duplicate = false;
        Ok(Appended {
            position,
            duplicate,
        })
    }

    async fn by_commit_id(&mut self, commit: &SealedCommit) -> Result<Option<Stored>, AppendError> {
        let row = sqlx::query(BY_COMMIT_ID)
            .bind(&commit.commit_id.0.as_bytes()[..])
            .fetch_optional(&mut self.connection)
            .await
            .map_err(|e| error::append(&e, &self.path))?;
        Ok(row.as_ref().map(row::stored).transpose()?)
    }

    /// The head of the commit's aggregate, and whether the commit's id is taken. A head that
    /// cannot be read matters only to a commit that has to follow it.
    async fn before(
        &mut self,
        commit: &SealedCommit,
    ) -> Result<(Result<Head, Corrupt>, bool), AppendError> {
        let (version, hash, is_taken): (Option<i64>, Option<Vec<u8>>, bool) =
            sqlx::query_as(BEFORE)
                .bind(commit.aggregate.kind())
                .bind(&commit.aggregate.id().as_bytes()[..])
                .bind(&commit.commit_id.0.as_bytes()[..])
                .fetch_one(&mut self.connection)
                .await
                .map_err(|e| error::append(&e, &self.path))?;
        let head = match version.zip(hash) {
            Some((version, hash)) => head(commit, version, hash),
            None => Ok(Head::NONE),
        };
        Ok((head, is_taken))
    }

    async fn identity(&mut self) -> Result<LogIdentity, AppendError> {
        let (log_id, epoch, created_at_us, seal): (Vec<u8>, i64, i64, Vec<u8>) =
            sqlx::query_as("SELECT log_id, epoch, created_at_us, seal FROM meta")
                .fetch_one(&mut self.connection)
                .await
                .map_err(|e| error::append(&e, &self.path))?;
        schema::identity(&log_id, epoch, created_at_us, &seal)
            .map_err(|why| Corrupt::Identity { why }.into())
    }

    async fn raise_epoch(&mut self) -> Result<u32, AppendError> {
        self.begin().await?;
        let raised = self.raise_epoch_locked().await;
        if raised.is_err() {
            self.rollback().await;
            return raised;
        }
        if let Err(e) = execute(&mut self.connection, "COMMIT").await {
            self.rollback().await;
            return Err(AppendError::Ambiguous(e.to_string()));
        }
        raised
    }

    async fn raise_epoch_locked(&mut self) -> Result<u32, AppendError> {
        let mut identity = self.identity().await?;
        identity.epoch += 1;
        sqlx::query("UPDATE meta SET epoch = $1, seal = $2")
            .bind(i64::from(identity.epoch))
            .bind(&schema::seal(&identity)[..])
            .execute(&mut self.connection)
            .await
            .map_err(|e| error::append(&e, &self.path))?;
        Ok(identity.epoch)
    }
}

fn head(commit: &SealedCommit, version: i64, hash: Vec<u8>) -> Result<Head, Corrupt> {
    let version = u64::try_from(version).unwrap_or(0);
    let hash = <[u8; 32]>::try_from(hash).map_err(|_| Corrupt::Undecodable {
        at: crate::corrupt::Place::new(&commit.aggregate, version, None).into(),
        why: "column `hash` has not 32 bytes".into(),
    })?;
    Ok(Head { version, hash })
}

/// Writes one row; the caller has checked that it may follow.
pub(super) async fn insert_row(
    connection: &mut SqliteConnection,
    position: i64,
    commit: &SealedCommit,
) -> Result<(), sqlx::Error> {
    sqlx::query(INSERT)
        .bind(position)
        .bind(commit.aggregate.kind())
        .bind(&commit.aggregate.id().as_bytes()[..])
        .bind(i64::try_from(commit.version).unwrap_or(i64::MAX))
        .bind(&commit.commit_id.0.as_bytes()[..])
        .bind(&commit.hash()[..])
        .bind(&commit.bytes()[..])
        .execute(connection)
        .await?;
    Ok(())
}
