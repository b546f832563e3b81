//! What this role does: looks into source repositories and records what it found.

mod shorten;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{Position, ReadError, Stored, UnknownEvent};
use ids::{AggregateId, Uuid};

use crate::process::{Effect, World};
use crate::{Inner, wire};

/// Folds the log for the process runner, and shares what it knows with readers.
pub(crate) struct Reactor(pub(crate) Arc<Inner>);

impl Process for Reactor {
    type Effect = Effect;

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
