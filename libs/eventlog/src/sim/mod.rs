//! A log that fails as real logs do, decided by a seed: the same seed, the same failures.

mod chance;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use ids::{AggregateId, CommitId};
use tokio::sync::watch;

use crate::commit::{Head, SealedCommit, Stored};
use crate::corrupt::{Corrupt, Place};
use crate::log::{
    AppendError, Appended, Durability, EventLog, LogIdentity, Position, ReadError, Tail,
};
use crate::mem::MemLog;
use crate::subscription::{Source, Subscription};
use chance::Chance;

/// How often each failure happens, in 1/1000 of the calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Appends that store nothing and say that it is unknown.
    pub ambiguous_before: u32,
    /// Appends that store and say that it is unknown.
    pub ambiguous_after: u32,
    /// Appends that report a conflict although they would have been stored.
    pub conflict: u32,
    /// Appends and reads that find the log away.
    pub unavailable: u32,
    /// Commits that subscribers see late.
    pub delayed: u32,
}

impl Faults {
    /// None at all: the log behaves.
    pub const OFF: Self = Self {
        ambiguous_before: 0,
        ambiguous_after: 0,
        conflict: 0,
        unavailable: 0,
        delayed: 0,
    };

    /// A bad day: every failure on one call in ten.
    pub const HARSH: Self = Self {
        ambiguous_before: 100,
        ambiguous_after: 100,
        conflict: 100,
        unavailable: 100,
        delayed: 100,
    };
}

/// How many times a task gives way before a delayed commit becomes visible.
const LONGEST_DELAY: u64 = 20;

/// A [`MemLog`] with failures. Clones share it.
#[derive(Clone)]
pub struct SimLog {
    shared: Arc<Shared>,
}

struct Shared {
    inner: MemLog,
    seen: watch::Sender<Position>,
    state: Mutex<State>,
}

struct State {
    chance: Chance,
    faults: Faults,
    /// What is read at a position instead of what was stored.
    damage: BTreeMap<Position, Bytes>,
}

/// What an append meets.
enum Fate {
    Fine,
    AmbiguousBefore,
    AmbiguousAfter,
    Conflict,
    Unavailable,
}

impl SimLog {
    /// An empty log whose failures follow from the seed.
    pub fn new(identity: LogIdentity, seed: u64, faults: Faults) -> Self {
        let state = Mutex::new(State {
            chance: Chance::new(seed),
            faults,
            damage: BTreeMap::new(),
        });
        Self {
            shared: Arc::new(Shared {
                inner: MemLog::new(identity),
                seen: watch::Sender::new(Position::default()),
                state,
            }),
        }
    }

    /// Other failures from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.shared.state().faults = faults;
    }

    /// Raises the epoch: commits sealed for an older one are fenced from now on.
    pub fn raise_epoch(&self) -> u32 {
        self.shared.inner.raise_epoch()
    }

    /// Loses everything after a position.
    pub fn rewind(&self, to: Position) {
        self.shared.inner.rewind(to);
        self.shared.seen.send_replace(to);
    }

    /// Flips one bit of the sealed bytes at a position. Says whether there is such a bit.
    pub async fn flip(&self, position: Position, bit: usize) -> bool {
        self.damage(position, |bytes| {
            let byte = bytes.get_mut(bit / 8)?;
            *byte ^= 1 << (bit % 8);
            Some(())
        })
        .await
    }

    /// Cuts the sealed bytes at a position to a length. Says whether they were longer.
    pub async fn tear(&self, position: Position, length: usize) -> bool {
        self.damage(position, |bytes| {
            (length < bytes.len()).then(|| bytes.truncate(length))
        })
        .await
    }

    async fn damage(
        &self,
        position: Position,
        how: impl FnOnce(&mut Vec<u8>) -> Option<()>,
    ) -> bool {
        let Some(before) = position.0.checked_sub(1) else {
            return false;
        };
        let Ok(page) = self.shared.inner.read(Position(before), 1).await else {
            return false;
        };
        let Some(stored) = page.first() else {
            return false;
        };
        let mut bytes = stored.commit.bytes().to_vec();
        let done = how(&mut bytes).is_some();
        if done {
            self.shared.state().damage.insert(position, bytes.into());
        }
        done
    }

    /// Whether this call finds the log away.
    fn away(&self) -> Result<(), ReadError> {
        let mut state = self.shared.state();
        let often = state.faults.unavailable;
        if state.chance.happens(often) {
            return Err(ReadError::Unavailable("simulated".into()));
        }
        Ok(())
    }

    fn fate(&self) -> Fate {
        let mut state = self.shared.state();
        let faults = state.faults;
        // Every chance is taken each time, so that one rate does not shift the others.
        let drawn = [
            (faults.ambiguous_before, Fate::AmbiguousBefore),
            (faults.ambiguous_after, Fate::AmbiguousAfter),
            (faults.conflict, Fate::Conflict),
            (faults.unavailable, Fate::Unavailable),
        ]
        .map(|(often, fate)| state.chance.happens(often).then_some(fate));
        drawn.into_iter().flatten().next().unwrap_or(Fate::Fine)
    }

    /// Shows a commit to subscribers, now or later.
    fn show(&self, position: Position) {
        let delay = {
            let mut state = self.shared.state();
            let often = state.faults.delayed;
            let delayed = state.chance.happens(often);
            let turns = state.chance.below(LONGEST_DELAY) + 1;
            delayed.then_some(turns)
        };
        let Some(turns) = delay else {
            self.shared.reveal(position);
            return;
        };
        let shared = self.shared.clone();
        tokio::spawn(async move {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            shared.reveal(position);
        });
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reveal(&self, position: Position) {
        self.seen.send_if_modified(|seen| {
            let later = position > *seen;
            *seen = (*seen).max(position);
            later
        });
    }

    /// What a reader finds where something was damaged.
    fn look(&self, commits: Vec<Stored>) -> Result<Vec<Stored>, Corrupt> {
        let state = self.state();
        for stored in &commits {
            if let Some(bytes) = state.damage.get(&stored.position) {
                let commit = &stored.commit;
                let row = Place::new(&commit.aggregate, commit.version, Some(stored.position));
                SealedCommit::open(bytes.clone(), commit.hash()).map_err(|it| it.at_row(&row))?;
            }
        }
        drop(state);
        Ok(commits)
    }
}

#[async_trait]
impl Source for Shared {
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ReadError> {
        let seen = *self.seen.borrow();
        let mut page = self.inner.read(after, limit).await?;
        page.retain(|it| it.position <= seen);
        Ok(self.look(page)?)
    }
}

#[async_trait]
impl EventLog for SimLog {
    async fn append(&self, commit: &SealedCommit) -> Result<Appended, AppendError> {
        let fate = self.fate();
        match fate {
            Fate::Unavailable => return Err(AppendError::Unavailable("simulated".into())),
            Fate::AmbiguousBefore => {
                return Err(AppendError::Ambiguous("simulated, nothing stored".into()));
            }
            Fate::Conflict => {
                let actual = self.shared.inner.head(&commit.aggregate).await;
                let actual = actual.map_or(0, |it| it.version);
                return Err(AppendError::Conflict { actual });
            }
            Fate::Fine | Fate::AmbiguousAfter => {}
        }
        let appended = self.shared.inner.append(commit).await?;
        self.show(appended.position);
        if matches!(fate, Fate::AmbiguousAfter) {
            return Err(AppendError::Ambiguous("simulated, stored".into()));
        }
        Ok(appended)
    }

    async fn head(&self, aggregate: &AggregateId) -> Result<Head, ReadError> {
        self.away()?;
        self.shared.inner.head(aggregate).await
    }

    async fn load(
        &self,
        aggregate: &AggregateId,
        after_version: u64,
    ) -> Result<Vec<Stored>, ReadError> {
        self.away()?;
        let commits = self.shared.inner.load(aggregate, after_version).await?;
        Ok(self.shared.look(commits)?)
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.away()?;
        let page = self.shared.inner.read(after, limit).await?;
        Ok(self.shared.look(page)?)
    }

    async fn subscribe(&self, after: Position) -> Result<Subscription, ReadError> {
        self.away()?;
        let tail = self.shared.inner.tail().await?.position;
        if after > tail {
            return Err(ReadError::Beyond {
                asked: after.0,
                tail: tail.0,
            });
        }
        // Whoever read that far has seen it.
        self.shared.reveal(after);
        let live = self.shared.seen.subscribe();
        Ok(Subscription::new(self.shared.clone(), live, after))
    }

    async fn tail(&self) -> Result<Tail, ReadError> {
        self.away()?;
        self.shared.inner.tail().await
    }

    async fn identity(&self) -> Result<LogIdentity, ReadError> {
        self.away()?;
        self.shared.inner.identity().await
    }

    async fn resolve(
        &self,
        aggregate: &AggregateId,
        commit_id: CommitId,
    ) -> Result<Option<Stored>, ReadError> {
        self.away()?;
        let found = self.shared.inner.resolve(aggregate, commit_id).await?;
        let looked = self.shared.look(found.into_iter().collect())?;
        Ok(looked.into_iter().next())
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }
}

#[cfg(test)]
mod tests;
