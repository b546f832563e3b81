//! What this role does: looks at pull requests, puts labels on, takes its own off.

mod reconcile;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{Position, ReadError, Stored, UnknownEvent};
use ids::{AggregateId, Uuid, derive};

use crate::process::Due;
use crate::{Inner, wire};

/// Folds the log for the process runner, and shares what it knows with readers.
pub(crate) struct Reactor(pub(crate) Arc<Inner>);

impl Process for Reactor {
    type Effect = Due;

    fn observe(&mut self, stored: &Stored) -> Result<(), ReadError> {
        let facts = wire::facts(stored)?;
        let mut world = self.0.world.write().unwrap_or_else(PoisonError::into_inner);
        for fact in &facts {
            world.observe(fact);
        }
        Ok(())
    }

    fn set_aside(&mut self, aggregate: &AggregateId, why: &UnknownEvent) {
        let mut world = self.0.world.write().unwrap_or_else(PoisonError::into_inner);
        world.set_aside(aggregate, why.to_string());
    }

    fn passed(&mut self, position: Position) {
        self.0.folded.send_replace(position.0);
    }

    fn describe(&self, due: &Due) -> Described {
        Described {
            role: crate::ROLE,
            name: "reconcile",
            because_of: vec![due.id],
        }
    }

    fn react(&mut self, _: i64) -> Reaction<Due> {
        let world = self.0.world();
        // What was heard of a GitHub that is configured no more waits until it is again.
        let due = world.due().filter(|_| self.0.github.is_some());
        let effects: Vec<_> = due
            .map(|it| (derive::effect(it.id, "", "reconcile", 0), it))
            .collect();
        self.0.troubles.keep(&effects);
        Reaction {
            effects,
            wake_at_us: None,
        }
    }
}

/// What does not work at the moment, by pull request: for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Mutex<BTreeMap<Uuid, (String, String)>>);

impl Troubles {
    /// Each reason once, under the first pull request that has it.
    pub(crate) fn all(&self) -> Vec<(String, String)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reasons = BTreeMap::<&str, (&str, usize)>::new();
        for (name, why) in all.values() {
            reasons.entry(why).or_insert((name, 0)).1 += 1;
        }
        let shown = |(why, (name, count)): (&str, (&str, usize))| match count {
            1 => (name.to_owned(), why.to_owned()),
            _ => (format!("{name} and {} more", count - 1), why.to_owned()),
        };
        reasons.into_iter().map(shown).collect()
    }

    /// Forgets what is not asked for any more: another replica may have done it.
    fn keep(&self, asked: &[(Uuid, Due)]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.is_empty() {
            all.retain(|id, _| asked.iter().any(|it| it.1.id == *id));
        }
    }

    fn note(&self, due: &Due, result: &Result<(), Retry>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => all.remove(&due.id),
            Err(retry) => {
                let name = format!("{}#{}", due.key.repository, due.key.number);
                all.insert(due.id, (name, retry.why.clone()))
            }
        };
    }
}

/// Looks and acts.
pub(crate) struct Performer(pub(crate) Arc<Inner>);

#[async_trait]
impl Perform<Due> for Performer {
    async fn perform(&self, _: Uuid, due: Due) -> Result<(), Retry> {
        let result = self.0.reconcile(&due).await;
        self.0.troubles.note(&due, &result);
        result
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ids::RepositoryName;

    use super::*;
    use crate::domain::pull_request::Key;

    fn due(number: u64) -> Due {
        let repository = RepositoryName::parse("github.com/acme/api").unwrap();
        let key = Key { repository, number };
        Due { id: key.id(), key }
    }

    #[test]
    fn a_reason_is_told_once_while_its_pull_requests_are_due() {
        let troubles = Troubles::default();
        let failed = |why: &str| {
            Err(Retry {
                after: Duration::from_secs(1),
                why: why.to_owned(),
            })
        };
        for number in [1, 2, 3] {
            troubles.note(&due(number), &failed("no answer"));
        }
        troubles.note(&due(4), &failed("not found"));
        let told = troubles.all();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].0.ends_with(" and 2 more"), "{told:?}");
        troubles.note(&due(4), &Ok(()));
        troubles.keep(&[(Uuid::from_u128(1), due(2))]);
        assert_eq!(
            troubles.all(),
            [("github.com/acme/api#2".to_owned(), "no answer".to_owned())]
        );
    }
}
