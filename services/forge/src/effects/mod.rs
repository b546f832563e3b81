//! What this role does: looks at pull requests, puts labels on, takes its own off.

mod reconcile;

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{Position, ReadError, Stored, UnknownEvent};
use ids::{AggregateId, Uuid, derive};
use service::Troubles;

use crate::domain::pull_request::Key;
use crate::process::{Due, World};
use crate::{Inner, wire};

/// Folds the log for the process runner, and shares what it knows with readers.
pub(crate) struct Reactor(pub(crate) Arc<Inner>);

impl Process for Reactor {
    type Effect = Due;

    fn observe(&mut self, stored: &Stored) -> Result<(), ReadError> {
        self.0.world.observe(&wire::facts(stored)?, World::observe);
        Ok(())
    }

    fn set_aside(&mut self, aggregate: &AggregateId, why: &UnknownEvent) {
        let world = &self.0.world;
        world.change(|world| world.set_aside(aggregate, why.to_string()));
    }

    fn passed(&mut self, position: Position) {
        self.0.world.passed(position);
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
        let asked = effects.iter().map(|(_, due)| due.key.clone());
        self.0.troubles.keep(asked);
        Reaction {
            effects,
            wake_at_us: None,
        }
    }
}

/// What does not work at the moment: each reason once, under the first pull request that has it.
pub(crate) fn told(troubles: &Troubles<Key>) -> Vec<(String, String)> {
    let named = |(key, count, why): (Key, usize, String)| {
        let name = format!("{}#{}", key.repository, key.number);
        match count {
            1 => (name, why),
            _ => (format!("{name} and {} more", count - 1), why),
        }
    };
    troubles.by_reason().into_iter().map(named).collect()
}

/// Looks and acts.
pub(crate) struct Performer(pub(crate) Arc<Inner>);

#[async_trait]
impl Perform<Due> for Performer {
    async fn perform(&self, _: Uuid, due: Due) -> Result<(), Retry> {
        let result = self.0.reconcile(&due).await;
        self.0.troubles.note(due.key, &result);
        result
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ids::RepositoryName;

    use super::*;

    fn key(number: u64) -> Key {
        let repository = RepositoryName::parse("github.com/acme/api").unwrap();
        Key { repository, number }
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
            troubles.note(key(number), &failed("no answer"));
        }
        troubles.note(key(4), &failed("not found"));
        let all = told(&troubles);
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!(all[0].0, "github.com/acme/api#1 and 2 more");
        troubles.note(key(4), &Ok(()));
        troubles.keep([key(2)]);
        assert_eq!(
            told(&troubles),
            [("github.com/acme/api#2".to_owned(), "no answer".to_owned())]
        );
    }
}
