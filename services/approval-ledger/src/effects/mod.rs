//! What this role does by itself: rounds are opened and closed as deployments ask.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{Context, ExecuteError, Position, ReadError, Stored, UnknownEvent};
use ids::{AggregateId, Uuid};

use crate::domain::approval::Command;
use crate::process::{Due, Effect, World};
use crate::{Inner, ROLE, wire};

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
            role: ROLE,
            name: due.effect.word(),
            because_of: vec![due.deployment, due.approval],
        }
    }

    fn react(&mut self, _: i64) -> Reaction<Due> {
        Reaction {
            effects: self.0.world().due().map(|it| (it.id, it.clone())).collect(),
            wake_at_us: None,
        }
    }
}

/// Opens and closes rounds.
pub(crate) struct Performer(pub(crate) Arc<Inner>);

#[async_trait]
impl Perform<Due> for Performer {
    async fn perform(&self, _: Uuid, due: Due) -> Result<(), Retry> {
        let command = match due.effect {
            Effect::Open(subject) => Command::Open(subject),
            Effect::Close {
                revision,
                reason,
                is_over,
            } => Command::Close {
                revision,
                reason,
                is_over,
            },
        };
        let context = Context {
            actor: ROLE.to_owned(),
            now_us: self.0.deps.clock.now_us(),
            idempotency: None,
            correlation: Some(due.deployment),
            causation: None,
        };
        let approvals = &self.0.approvals;
        match approvals.execute(due.approval, &context, &command).await {
            Ok(_) | Err(ExecuteError::Rejected(_)) => Ok(()),
            Err(error) => Err(Retry {
                after: Duration::from_millis(100),
                why: error.to_string(),
            }),
        }
    }
}
