//! What this role does to the world: each effect checks, acts, records, and may be done again at
//! any point after a crash.

mod number;
mod tag;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{ExecuteError, Position, ReadError, Stored, UnknownEvent};
use ids::{AggregateId, Uuid};

use crate::domain::release::Command;
use crate::process::{Effect, Request, World};
use crate::{Inner, wire};

/// Folds the log for the process runner, and shares what it knows with readers.
pub(crate) struct Reactor(pub(crate) Arc<Inner>);

impl Process for Reactor {
    type Effect = Request;

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

    fn describe(&self, request: &Request) -> Described {
        Described {
            role: crate::ROLE,
            name: request.effect.word(),
            because_of: vec![request.release],
        }
    }

    fn react(&mut self, _: i64) -> Reaction<Request> {
        let requests = self.0.world.change(World::react);
        self.0.troubles.keep(requests.iter().map(|it| it.id));
        Reaction {
            effects: requests.into_iter().map(|it| (it.id, it)).collect(),
            wake_at_us: None,
        }
    }
}

/// Does what the process asks for.
pub(crate) struct Performer(pub(crate) Arc<Inner>);

#[async_trait]
impl Perform<Request> for Performer {
    async fn perform(&self, _: Uuid, request: Request) -> Result<(), Retry> {
        let result = self.0.perform(&request).await;
        self.0.troubles.note(request.id, &result);
        result
    }
}

impl Inner {
    async fn perform(&self, request: &Request) -> Result<(), Retry> {
        let (id, ordinal) = (request.release, request.ordinal);
        let command = match &request.effect {
            Effect::Number => {
                let numbered = self.number(id, ordinal).await;
                return numbered.map(drop).map_err(|error| retry(&error));
            }
            Effect::Tag {
                application,
                container,
                registry,
                digest,
                tag,
            } => {
                let wanted = tag::Wanted {
                    ordinal,
                    application,
                    container,
                    registry,
                    digest,
                    tag,
                };
                self.tag(&wanted).await?
            }
            Effect::RecordEnd(ended) => Command::RecordEnd {
                ordinal,
                ended: ended.clone(),
            },
            Effect::Resume => Command::Resume { ordinal },
        };
        let done = self.releases.execute(id, &self.context(id), &command).await;
        match done {
            Ok(_) => Ok(()),
            // A rejection is an answer: what follows from it is in the state.
            Err(ExecuteError::Rejected(rejection)) => {
                tracing::debug!(%rejection, "settled");
                Ok(())
            }
            Err(error) => Err(retry(&error)),
        }
    }
}

fn retry(why: &impl fmt::Display) -> Retry {
    Retry {
        after: Duration::from_millis(100),
        why: why.to_string(),
    }
}
