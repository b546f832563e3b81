//! What this role does: looks into source repositories and records what it found.

mod shorten;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{Position, ReadError, Stored, UnknownEvent};
use ids::{AggregateId, Uuid};

use crate::process::Effect;
use crate::{Inner, wire};

/// Folds the log for the process runner, and shares what it knows with readers.
pub(crate) struct Reactor(pub(crate) Arc<Inner>);

impl Process for Reactor {
    type Effect = Effect;

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

    fn describe(&self, effect: &Effect) -> Described {
        let (name, because_of) = match effect {
            Effect::Deployment(due) => ("write", due.opened.deployment),
            Effect::Range(wanted) => ("write-range", wanted.release),
        };
        Described {
            role: crate::ROLE,
            name,
            because_of: vec![because_of],
        }
    }

    fn react(&mut self, _: i64) -> Reaction<Effect> {
        Reaction {
            effects: self.0.world().due().into_iter().collect(),
            wake_at_us: None,
        }
    }
}

/// What does not work at the moment, by changelog: for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Mutex<BTreeMap<Uuid, String>>);

impl Troubles {
    pub(crate) fn of(&self, changelog: Uuid) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&changelog).cloned()
    }

    fn note(&self, changelog: Uuid, result: &Result<(), Retry>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => all.remove(&changelog),
            Err(retry) => all.insert(changelog, retry.why.clone()),
        };
    }
}

/// Writes changelogs.
pub(crate) struct Performer(pub(crate) Arc<Inner>);

#[async_trait]
impl Perform<Effect> for Performer {
    async fn perform(&self, id: Uuid, effect: Effect) -> Result<(), Retry> {
        let result = self.0.write(id, &effect).await;
        self.0.troubles.note(id, &result);
        result
    }
}
