//! What this role does to the world.

mod apply;
mod keep;

use std::sync::{Arc, PoisonError};

use async_trait::async_trait;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{ReadError, Stored, UnknownEvent};
use ids::{AggregateId, Uuid};

pub(crate) use keep::keep;

use crate::process::Due;
use crate::{Inner, wire};

/// Folds the log for the process runner, and shares what it knows.
pub(crate) struct Reactor(pub(crate) Arc<Inner>);

impl Process for Reactor {
    type Effect = Due;

    fn observe(&mut self, stored: &Stored) -> Result<(), ReadError> {
        let facts = wire::facts(stored)?;
        if !facts.is_empty() {
            let mut world = self.0.world.write().unwrap_or_else(PoisonError::into_inner);
            for fact in &facts {
                world.observe(fact);
            }
        }
        Ok(())
    }

    fn set_aside(&mut self, aggregate: &AggregateId, why: &UnknownEvent) {
        let mut world = self.0.world.write().unwrap_or_else(PoisonError::into_inner);
        world.set_aside(aggregate, why.to_string());
    }

    fn describe(&self, due: &Due) -> Described {
        Described {
            role: crate::ROLE,
            name: "apply",
            because_of: vec![due.deployment],
        }
    }

    fn react(&mut self, _: i64) -> Reaction<Due> {
        self.0.is_caught_up.send_replace(true);
        let world = self.0.world();
        Reaction {
            effects: world.due().map(|it| (it.run, it.clone())).collect(),
            wake_at_us: None,
        }
    }
}

/// Carries out runs.
pub(crate) struct Performer(pub(crate) Arc<Inner>);

#[async_trait]
impl Perform<Due> for Performer {
    async fn perform(&self, _: Uuid, due: Due) -> Result<(), Retry> {
        self.0.apply(&due).await
    }
}
