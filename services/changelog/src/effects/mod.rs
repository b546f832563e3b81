//! What this role does: looks into source repositories and records what it found.

mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{Position, ReadError, Stored, UnknownEvent};
use ids::{AggregateId, Uuid};

use crate::process::{Due, changelog_id};
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
            name: "write",
            because_of: vec![due.opened.deployment],
        }
    }

    fn react(&mut self, _: i64) -> Reaction<Due> {
        let world = self.0.world();
        let due = world.due().iter();
        Reaction {
            effects: due
                .map(|(id, it)| (changelog_id(*id), it.clone()))
                .collect(),
            wake_at_us: None,
        }
    }
}

/// What does not work at the moment, by deployment: for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Mutex<BTreeMap<Uuid, String>>);

impl Troubles {
    pub(crate) fn of(&self, deployment: Uuid) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&deployment).cloned()
    }

    fn note(&self, deployment: Uuid, result: &Result<(), Retry>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => all.remove(&deployment),
            Err(retry) => all.insert(deployment, retry.why.clone()),
        };
    }
}

/// Writes changelogs.
pub(crate) struct Performer(pub(crate) Arc<Inner>);

#[async_trait]
impl Perform<Due> for Performer {
    async fn perform(&self, _: Uuid, due: Due) -> Result<(), Retry> {
        let result = self.0.write(&due).await;
        self.0.troubles.note(due.opened.deployment, &result);
        result
    }
}
