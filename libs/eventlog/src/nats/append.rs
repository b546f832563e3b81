//! Appending: guarded, and settled before it is answered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Shared;
use super::api::{Seek, codes};
use super::publish::{Answer, Guard};
use super::stream::{self, Says};
use crate::checkpoint::Lie;
use crate::commit::{Head, SealedCommit};
use crate::log::{
    AppendError, Appended, LogIdentity, MAX_COMMIT_BYTES, Position, ReadError, follows, repeats,
};

/// A message id that is said to be on its way for so long is taken for lost.
const LOST: Duration = Duration::from_secs(3);

/// What a duplicate acknowledgement of another commit is counted as.
const DUPLICATE: u64 = 0;

/// Answers that were refusals, by code.
#[derive(Default)]
pub(super) struct Counts {
    by_code: Mutex<BTreeMap<u64, u64>>,
}

impl Counts {
    fn add(&self, code: u64) {
        let mut by_code = self.by_code.lock().unwrap_or_else(PoisonError::into_inner);
        *by_code.entry(code).or_default() += 1;
    }

    pub(super) fn conflicts(&self) -> Vec<(u64, u64)> {
        let by_code = self.by_code.lock().unwrap_or_else(PoisonError::into_inner);
        by_code
            .iter()
            .map(|(code, count)| (*code, *count))
            .collect()
    }
}

/// What is to be done with a commit.
enum Verdict {
    /// It may follow what is at this position.
    Send(u64),
    /// It is stored already.
    Done(Appended),
}

/// One append on its way.
struct Trip {
    deadline: Instant,
    started: Instant,
    pause: Duration,
    /// Some try may have stored it.
    is_unsure: bool,
    attempt: u32,
}

impl Trip {
    async fn rest(&mut self) {
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_millis(200));
    }

    /// An answer that says nothing of an earlier try leaves that one unknown.
    fn refused(&self, error: AppendError) -> AppendError {
        if let (AppendError::Unavailable(why), true) = (&error, self.is_unsure) {
            return AppendError::Ambiguous(why.clone());
        }
        error
    }

    /// What to answer when the patience ends, or nothing was stored for another reason.
    fn failed(&self, why: String, otherwise: fn(String) -> AppendError) -> AppendError {
        if self.is_unsure {
            AppendError::Ambiguous(why)
        } else {
            otherwise(why)
        }
    }
}

impl Shared {
    pub(super) async fn append(&self, commit: &SealedCommit) -> Result<Appended, AppendError> {
        self.confirmed().await.map_err(refusal)?;
        let mut last = match self.expected(commit) {
            Some(last) => last,
            None => match self.judge(commit).await? {
                Verdict::Send(last) => last,
                Verdict::Done(appended) => return Ok(appended),
            },
        };
        let now = Instant::now();
        let mut trip = Trip {
            deadline: now + self.api.timeouts.patience,
            started: now,
            pause: Duration::from_millis(1),
            is_unsure: false,
            attempt: 0,
        };
        loop {
            let seen = Self::lock(&self.highest).position;
            let guard = Guard {
                last,
                attempt: trip.attempt,
            };
            let answer = self.publish(commit, guard).await;
            if let Some(appended) = self.settle(commit, answer, seen, &mut trip).await? {
                return Ok(appended);
            }
            if Instant::now() >= trip.deadline {
                let why = "NATS did not settle it in time".to_owned();
                return Err(trip.failed(why, AppendError::Unavailable));
            }
            trip.rest().await;
            if let Err(error) = self.confirmed().await {
                return Err(trip.refused(refusal(error)));
            }
            match self.judge(commit).await {
                Ok(Verdict::Send(now)) => last = now,
                Ok(Verdict::Done(appended)) => return Ok(appended),
                Err(error) => return Err(trip.refused(error)),
            }
        }
    }

    /// The position to expect, when all that is needed is known here. What is not true any more
    /// is found by the server.
    fn expected(&self, commit: &SealedCommit) -> Option<u64> {
        if commit.epoch != self.identity.epoch
            || Self::lock(&self.recent).find(commit.commit_id).is_some()
        {
            return None;
        }
        let mut shelf = Self::lock(&self.shelf);
        let (head, last) = match shelf.find(&commit.aggregate) {
            Some(known) if known.find(commit.commit_id).is_some() => return None,
            Some(known) => (known.head(), known.last()),
            None if commit.version == 1 => (Head::NONE, 0),
            None => return None,
        };
        follows(commit, &head, self.identity.epoch)
            .is_ok()
            .then_some(last)
    }

    /// What the leader's state means for a commit.
    async fn judge(&self, commit: &SealedCommit) -> Result<Verdict, AppendError> {
        let asked = self.on_aggregate(&commit.aggregate, commit.commit_id).await;
        if let Some(position) = asked.map_err(refusal)?
            && let Some(stored) = self.get(&Seek::At(position)).await.map_err(refusal)?
        {
            return repeats(commit, &stored).map(Verdict::Done);
        }
        if let Some(stored) = self.lately(commit.commit_id).await.map_err(refusal)? {
            return repeats(commit, &stored).map(Verdict::Done);
        }
        let (head, last) = Self::lock(&self.shelf)
            .find(&commit.aggregate)
            .map_or((Head::NONE, 0), |it| (it.head(), it.last()));
        follows(commit, &head, self.identity.epoch)?;
        Ok(Verdict::Send(last))
    }

    /// Makes an answer of the server into ours; nothing when it has to be tried again.
    async fn settle(
        &self,
        commit: &SealedCommit,
        answer: Answer,
        seen: Position,
        trip: &mut Trip,
    ) -> Result<Option<Appended>, AppendError> {
        match answer {
            Answer::Stored(position) => self.stored(commit, position, seen, trip).map(Some),
            // Which message had the id, is read back.
            Answer::Repeated(position) => self.repeated(commit, position).await,
            Answer::Stale(code) => {
                self.counts.add(code);
                Ok(None)
            }
            Answer::InProcess => {
                self.counts.add(codes::STREAM_DUPLICATE_IN_PROCESS);
                if trip.started.elapsed() > LOST {
                    trip.attempt += 1;
                }
                Ok(None)
            }
            Answer::OtherStream => Err(trip.refused(self.fenced(commit).await)),
            Answer::Full(why) => Err(trip.failed(why, AppendError::Full)),
            Answer::TooLarge => Err(AppendError::TooLarge {
                bytes: commit.bytes().len(),
                limit: MAX_COMMIT_BYTES,
            }),
            Answer::Forbidden(why) => Err(AppendError::Forbidden(why)),
            Answer::Untaken(why) => {
                tracing::debug!(%why, "an append is tried again");
                Ok(None)
            }
            Answer::Unknown(why) => {
                tracing::debug!(%why, "an append is sent again");
                trip.is_unsure = true;
                Ok(None)
            }
        }
    }

    fn stored(
        &self,
        commit: &SealedCommit,
        position: u64,
        seen: Position,
        trip: &Trip,
    ) -> Result<Appended, AppendError> {
        if position <= seen.0 && !trip.is_unsure {
            // Stored in a log that lost its end meanwhile: not where it belongs.
            let lie = Lie::LogRewound {
                read: seen,
                tail: Position(position),
            };
            self.halt(&lie);
            return Err(lie.into());
        }
        self.note(position, commit);
        Ok(Appended {
            position: Position(position),
            duplicate: false,
        })
    }

    async fn repeated(
        &self,
        commit: &SealedCommit,
        position: u64,
    ) -> Result<Option<Appended>, AppendError> {
        let found = self.get(&Seek::At(position)).await.map_err(refusal)?;
        let Some(found) = found.filter(|it| it.commit.hash() == commit.hash()) else {
            self.counts.add(DUPLICATE);
            return Ok(None);
        };
        self.note(position, &found.commit);
        Ok(Some(Appended {
            position: found.position,
            duplicate: true,
        }))
    }

    /// The log's subjects belong to another stream: to that of a later epoch, which may be on its
    /// way only.
    async fn fenced(&self, commit: &SealedCommit) -> AppendError {
        let names = self.api.streams(&format!("{}.>", self.prefix)).await;
        let name = names.ok().and_then(|it| it.into_iter().next());
        let found = match &name {
            Some(name) => self.api.info(name).await.ok(),
            None => None,
        };
        let says = found.and_then(|it| stream::says(&it.config).ok());
        let is_ours = |it: &LogIdentity| it.log_id == self.identity.log_id;
        if matches!(&says, Some(Says::Restoring(it)) if is_ours(it)) {
            self.restoring.send_replace(name);
        }
        let Some(Says::Log(found)) = says else {
            let nobodys = || {
                AppendError::Unavailable(
                    "the log's subjects belong to a stream that says not which log it is".into(),
                )
            };
            return self.answers().err().map_or_else(nobodys, refusal);
        };
        let lie = Lie::EpochAdvanced {
            read: self.identity.epoch,
            found: found.epoch,
        };
        self.halt(&lie);
        self.newer.send_replace(Some(found.epoch));
        AppendError::Fenced {
            commit: commit.epoch,
            log: found.epoch,
        }
    }
}

/// What a failed look means for an append of which nothing was stored.
fn refusal(error: ReadError) -> AppendError {
    match error {
        ReadError::Corrupt(corrupt) => corrupt.into(),
        ReadError::Lie(Lie::EpochAdvanced { read, found }) => AppendError::Fenced {
            commit: read,
            log: found,
        },
        ReadError::Lie(lie) => lie.into(),
        ReadError::Unavailable(why) => AppendError::Unavailable(why),
        ReadError::Closed => AppendError::Unavailable("the log is closed".into()),
        ReadError::Beyond { .. } | ReadError::Unknown(_) => {
            AppendError::Unavailable(error.to_string())
        }
    }
}
