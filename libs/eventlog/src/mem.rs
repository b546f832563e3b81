//! The log in memory: for tests, and the model that the other back ends are compared with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ids::{AggregateId, CommitId};
use tokio::sync::watch;

use crate::commit::{Head, SealedCommit, Stored};
use crate::log::{
    AppendError, Appended, Durability, EventLog, LogIdentity, Position, ReadError, Tail, admit,
    chained, follows, repeats,
};
use crate::subscription::{PAGE_BYTES, Source, Subscription};

/// A log that ends with the process. Clones share it.
#[derive(Clone)]
pub struct MemLog {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    tail: watch::Sender<Position>,
}

struct State {
    identity: LogIdentity,
    commits: Vec<SealedCommit>,
    by_aggregate: BTreeMap<AggregateId, Vec<usize>>,
    by_commit_id: BTreeMap<CommitId, usize>,
}

impl MemLog {
    /// An empty log.
    pub fn new(identity: LogIdentity) -> Self {
        let state = Mutex::new(State {
            identity,
            commits: Vec::new(),
            by_aggregate: BTreeMap::new(),
            by_commit_id: BTreeMap::new(),
        });
        let tail = watch::Sender::new(Position::default());
        Self {
            shared: Arc::new(Shared { state, tail }),
        }
    }

    /// Raises the epoch: commits sealed for an older one are fenced from now on.
    pub fn raise_epoch(&self) -> u32 {
        let mut state = self.shared.state();
        state.identity.epoch += 1;
        state.identity.epoch
    }

    /// Forgets everything after a position, as a log that lost its end would.
    pub(crate) fn rewind(&self, to: Position) {
        let mut state = self.shared.state();
        let keep = usize::try_from(to.0).unwrap_or(usize::MAX);
        while state.commits.len() > keep {
            let Some(commit) = state.commits.pop() else {
                break;
            };
            state.by_commit_id.remove(&commit.commit_id);
            if let Some(list) = state.by_aggregate.get_mut(&commit.aggregate) {
                list.pop();
            }
        }
        let tail = state.tail().position;
        self.shared.tail.send_replace(tail);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is changed only after everything that can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn stored(&self, index: usize) -> Stored {
        Stored {
            position: position(index),
            commit: self.commits[index].clone(),
        }
    }

    fn head(&self, aggregate: &AggregateId) -> Head {
        let last = self.by_aggregate.get(aggregate).and_then(|it| it.last());
        last.map_or(Head::NONE, |index| self.commits[*index].head())
    }

    fn tail(&self) -> Tail {
        match self.commits.last() {
            Some(commit) => Tail {
                position: position(self.commits.len() - 1),
                hash: commit.hash(),
            },
            None => Tail::default(),
        }
    }

    fn append(&mut self, commit: &SealedCommit) -> Result<Appended, AppendError> {
        if let Some(index) = self.by_commit_id.get(&commit.commit_id) {
            return repeats(commit, &self.stored(*index));
        }
        follows(commit, &self.head(&commit.aggregate), self.identity.epoch)?;
        let index = self.commits.len();
        self.commits.push(commit.clone());
        self.by_commit_id.insert(commit.commit_id, index);
        self.by_aggregate
            .entry(commit.aggregate.clone())
            .or_default()
            .push(index);
        Ok(Appended {
            position: position(index),
            duplicate: false,
        })
    }
}

/// Positions are counted from 1.
fn position(index: usize) -> Position {
    Position(index as u64 + 1)
}

#[async_trait]
impl Source for Shared {
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ReadError> {
        let state = self.state();
        let tail = state.tail().position;
        if after > tail {
            return Err(ReadError::Beyond {
                asked: after.0,
                tail: tail.0,
            });
        }
        let from = usize::try_from(after.0).unwrap_or(usize::MAX);
        let until = from.saturating_add(limit).min(state.commits.len());
        let mut room = PAGE_BYTES;
        let fitting = (from..until).map_while(|index| {
            let stored = state.stored(index);
            let fits = room > 0;
            room = room.saturating_sub(stored.commit.bytes().len());
            fits.then_some(stored)
        });
        Ok(fitting.collect())
    }
}

#[async_trait]
impl EventLog for MemLog {
    async fn append(&self, commit: &SealedCommit) -> Result<Appended, AppendError> {
        admit(commit)?;
        let mut state = self.shared.state();
        let appended = state.append(commit)?;
        if !appended.duplicate {
            self.shared.tail.send_replace(appended.position);
        }
        drop(state);
        Ok(appended)
    }

    async fn head(&self, aggregate: &AggregateId) -> Result<Head, ReadError> {
        Ok(self.shared.state().head(aggregate))
    }

    async fn load(
        &self,
        aggregate: &AggregateId,
        after_version: u64,
    ) -> Result<Vec<Stored>, ReadError> {
        let state = self.shared.state();
        let all = state
            .by_aggregate
            .get(aggregate)
            .map_or(&[][..], Vec::as_slice);
        let skip = usize::try_from(after_version).unwrap_or(usize::MAX);
        if skip > all.len() {
            return Err(ReadError::Beyond {
                asked: after_version,
                tail: all.len() as u64,
            });
        }
        let before = skip.checked_sub(1).map(|it| state.commits[all[it]].hash());
        let commits: Vec<_> = all[skip..].iter().map(|it| state.stored(*it)).collect();
        chained(aggregate, after_version, before, &commits)?;
        Ok(commits)
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ReadError> {
        self.shared.page(after, limit).await
    }

    async fn subscribe(&self, after: Position) -> Result<Subscription, ReadError> {
        let tail = self.shared.state().tail().position;
        if after > tail {
            return Err(ReadError::Beyond {
                asked: after.0,
                tail: tail.0,
            });
        }
        let live = self.shared.tail.subscribe();
        Ok(Subscription::new(self.shared.clone(), live, after))
    }

    async fn tail(&self) -> Result<Tail, ReadError> {
        Ok(self.shared.state().tail())
    }

    async fn identity(&self) -> Result<LogIdentity, ReadError> {
        Ok(self.shared.state().identity)
    }

    async fn resolve(
        &self,
        _aggregate: &AggregateId,
        commit_id: CommitId,
    ) -> Result<Option<Stored>, ReadError> {
        let state = self.shared.state();
        Ok(state
            .by_commit_id
            .get(&commit_id)
            .map(|it| state.stored(*it)))
    }

    fn durability(&self) -> Durability {
        Durability::Memory
    }
}
