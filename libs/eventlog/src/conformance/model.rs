//! Any sequence of calls does what the simplest possible log does.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{Outcome, Stand, Trouble, draft, identity, slot};
use crate::commit::{Head, SealedCommit};
use crate::log::{AppendError, EventLog, Position};

/// One call.
#[derive(Debug, Clone)]
enum Call {
    /// Append to an aggregate, expecting a version this far behind its head.
    Append {
        aggregate: u8,
        behind: u8,
        label: u8,
    },
    /// Append again what was appended at a place in the history.
    Repeat { place: usize },
    /// Use the commit id of that place for something else.
    Reuse { place: usize, aggregate: u8 },
    /// Open the log again.
    Reopen,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        8 => (0..4_u8, prop_oneof![4 => Just(0), 1 => 0..3_u8], any::<u8>())
            .prop_map(|(aggregate, behind, label)| Call::Append { aggregate, behind, label }),
        2 => any::<usize>().prop_map(|place| Call::Repeat { place }),
        1 => (any::<usize>(), 0..4_u8)
            .prop_map(|(place, aggregate)| Call::Reuse { place, aggregate }),
        1 => Just(Call::Reopen),
    ]
}

/// The model: a list.
#[derive(Default)]
struct Model {
    commits: Vec<SealedCommit>,
}

impl Model {
    fn heads(&self, aggregate: u8) -> Vec<Head> {
        let aggregate = slot(aggregate.into());
        let own = self.commits.iter().filter(|it| it.aggregate == aggregate);
        std::iter::once(Head::NONE)
            .chain(own.map(SealedCommit::head))
            .collect()
    }

    fn append(&mut self, commit: &SealedCommit) -> Result<(u64, bool), &'static str> {
        let same = self
            .commits
            .iter()
            .position(|it| it.commit_id == commit.commit_id);
        if let Some(index) = same {
            if self.commits[index] == *commit {
                return Ok((index as u64 + 1, true));
            }
            return Err("taken");
        }
        let own = self
            .commits
            .iter()
            .filter(|it| it.aggregate == commit.aggregate);
        if own.count() as u64 + 1 != commit.version {
            return Err("conflict");
        }
        self.commits.push(commit.clone());
        Ok((self.commits.len() as u64, false))
    }
}

/// 24 histories of up to 40 calls on one log after the other: each continues the last.
pub async fn any_history_is_what_the_model_says(stand: Arc<dyn Stand>) -> Outcome {
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let config = Config {
            cases: 24,
            failure_persistence: None,
            ..Config::default()
        };
        let model = std::cell::RefCell::new((Model::default(), stand.log(), 0_u64));
        let histories = proptest::collection::vec(call(), 1..40);
        TestRunner::new(config)
            .run(&histories, |calls| {
                let mut state = model.borrow_mut();
                let (model, log, serial) = &mut *state;
                let ran = runtime.block_on(history(&stand, log, model, serial, calls));
                ran.map_err(|e| TestCaseError::fail(e.to_string()))
            })
            .map_err(|e| Trouble::from(e.to_string()))
    })
    .await?
}

async fn history(
    stand: &Arc<dyn Stand>,
    log: &mut Arc<dyn EventLog>,
    model: &mut Model,
    serial: &mut u64,
    calls: Vec<Call>,
) -> Outcome {
    for call in calls {
        *serial += 1;
        let commit = match call {
            Call::Reopen => {
                *log = stand.reopen().await?;
                continue;
            }
            Call::Append {
                aggregate,
                behind,
                label,
            } => {
                let heads = model.heads(aggregate);
                let head = heads[heads.len().saturating_sub(1 + usize::from(behind))];
                let label = format!("{serial} {label}");
                SealedCommit::seal(
                    draft(&slot(aggregate.into()), &label),
                    &head,
                    identity().epoch,
                )
            }
            Call::Repeat { place } | Call::Reuse { place, .. } if model.commits.is_empty() => {
                assert_eq!(log.tail().await?.position, Position(0), "before {place}");
                continue;
            }
            Call::Repeat { place } => model.commits[place % model.commits.len()].clone(),
            Call::Reuse { place, aggregate } => {
                let taken = model.commits[place % model.commits.len()].commit_id;
                let mut other = draft(&slot(aggregate.into()), &format!("{serial} reuse"));
                other.commit_id = taken;
                let heads = model.heads(aggregate);
                SealedCommit::seal(other, &heads[heads.len() - 1], identity().epoch)
            }
        };
        step(log, model, &commit).await?;
    }
    same(log, model).await
}

/// Appends to both; the answers must be the same.
async fn step(log: &Arc<dyn EventLog>, model: &mut Model, commit: &SealedCommit) -> Outcome {
    let expected = model.append(commit);
    let actual = match log.append(commit).await {
        Ok(appended) => Ok((appended.position.0, appended.duplicate)),
        Err(AppendError::Conflict { .. }) => Err("conflict"),
        Err(AppendError::CommitIdTaken { .. }) => Err("taken"),
        Err(other) => return Err(other.into()),
    };
    assert_eq!(actual, expected);
    Ok(())
}

/// Every way of reading gives what the model holds.
async fn same(log: &Arc<dyn EventLog>, model: &Model) -> Outcome {
    let read = log.read(Position(0), 100_000).await?;
    let commits: Vec<_> = read.iter().map(|it| it.commit.clone()).collect();
    assert_eq!(commits, model.commits);
    let mut by_aggregate: BTreeMap<_, Vec<SealedCommit>> = BTreeMap::new();
    for commit in &model.commits {
        by_aggregate
            .entry(commit.aggregate.clone())
            .or_default()
            .push(commit.clone());
    }
    for (aggregate, expected) in by_aggregate {
        let loaded = log.load(&aggregate, 0).await?;
        let loaded: Vec<_> = loaded.into_iter().map(|it| it.commit).collect();
        assert_eq!(loaded, expected);
        assert_eq!(
            Some(log.head(&aggregate).await?),
            expected.last().map(SealedCommit::head)
        );
    }
    Ok(())
}
