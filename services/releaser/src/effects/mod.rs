//! What this role does to the world: each effect checks, acts, records, and may be done again at
//! any point after a crash.

mod number;
mod tag;

use std::collections::{BTreeMap, BTreeSet};
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
        self.0.troubles.keep(&requests);
        Reaction {
            effects: requests.into_iter().map(|it| (it.id, it)).collect(),
            wake_at_us: None,
        }
    }
}

/// What did not work last time, by release and effect: for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Troubles(Mutex<BTreeMap<(Uuid, Uuid), String>>);

impl Troubles {
    /// The first trouble with what is asked for now; empty when there is none. Another replica
    /// may have done what failed here.
    pub(crate) fn with(&self, asked: &[Request]) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found = asked.iter().filter_map(|it| all.get(&(it.release, it.id)));
        found.next().cloned().unwrap_or_default()
    }

    /// Forgets what is not asked for any more.
    fn keep(&self, asked: &[Request]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.is_empty() {
            let asked: BTreeSet<_> = asked.iter().map(|it| (it.release, it.id)).collect();
            all.retain(|it, _| asked.contains(it));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_while_its_effect_is_asked_for_and_forgotten_after() {
        let request = |effect: u128| Request {
            id: Uuid::from_u128(effect),
            release: Uuid::from_u128(1),
            ordinal: 0,
            effect: Effect::Number,
        };
        let troubles = Troubles::default();
        for asked in [request(2), request(3)] {
            let failed = Err(retry(&format!("{} is away", asked.id.as_u128())));
            troubles.note(asked.release, asked.id, &failed);
        }
        assert_eq!(troubles.with(&[request(3), request(2)]), "3 is away");
        assert_eq!(troubles.with(&[request(4)]), "", "another replica did it");
        troubles.keep(&[request(3)]);
        assert_eq!(troubles.with(&[request(2), request(3)]), "3 is away");
        troubles.note(Uuid::from_u128(1), Uuid::from_u128(3), &Ok(()));
        assert!(troubles.0.lock().unwrap().is_empty());
    }
}
