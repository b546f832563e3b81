//! What this role does to the world: each effect checks, acts, records, and may be done again at
//! any point after a crash.

mod number;
mod tag;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{ExecuteError, Position, ReadError, Stored, UnknownEvent};
use ids::{AggregateId, Uuid};

use crate::domain::release::Command;
use crate::process::{Effect, Request};
use crate::{Inner, wire};

/// Folds the log for the process runner, and shares what it knows with readers.
pub(crate) struct Reactor(pub(crate) Arc<Inner>);

impl Process for Reactor {
    type Effect = Request;

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

    fn describe(&self, request: &Request) -> Described {
        Described {
            role: crate::ROLE,
            name: request.effect.word(),
            because_of: vec![request.release],
        }
    }

    fn react(&mut self, _: i64) -> Reaction<Request> {
        let mut world = self.0.world.write().unwrap_or_else(PoisonError::into_inner);
        let requests = world.react();
        Reaction {
            effects: requests.into_iter().map(|it| (it.id, it)).collect(),
            wake_at_us: None,
        }
    }
}

/// What does not work at the moment, by release and effect: for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Mutex<BTreeMap<(Uuid, Uuid), String>>);

impl Troubles {
    /// The first trouble of a release; empty when there is none.
    pub(crate) fn of(&self, release: Uuid) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let from = (release, Uuid::nil());
        let mut of = all.range(from..).take_while(|it| it.0.0 == release);
        of.next().map(|it| it.1.clone()).unwrap_or_default()
    }

    fn note(&self, release: Uuid, effect: Uuid, result: &Result<(), Retry>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(()) => all.remove(&(release, effect)),
            Err(retry) => all.insert((release, effect), retry.why.clone()),
        };
    }
}

/// Does what the process asks for.
pub(crate) struct Performer(pub(crate) Arc<Inner>);

#[async_trait]
impl Perform<Request> for Performer {
    async fn perform(&self, _: Uuid, request: Request) -> Result<(), Retry> {
        let result = self.0.perform(&request).await;
        self.0.troubles.note(request.release, request.id, &result);
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
