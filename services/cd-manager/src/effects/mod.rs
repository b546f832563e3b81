//! What this role does to the world: each effect checks, acts, records, and may be done again at
//! any point after a crash.

mod ask;
mod offer;
mod open_release;
mod promote;
mod watch;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use decider::Decider as _;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{Context, ExecuteError, Position, ReadError, Stored, UnknownEvent};
use ids::{AggregateId, Uuid, derive};

pub(crate) use watch::watch;

use crate::domain::deployment;
use crate::domain::hold::{Hold, Source};
use crate::domain::slot::{self, Candidate, Place};
use crate::process::{Effect, Request, World};
use crate::{Inner, wire};

/// Folds the log for the process runner, and shares what it knows with readers.
pub(crate) struct Reactor(pub(crate) Arc<RwLock<World>>);

impl Process for Reactor {
    type Effect = Arc<Request>;

    fn observe(&mut self, stored: &Stored) -> Result<(), ReadError> {
        let facts = wire::facts(stored)?;
        let mut world = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for fact in &facts {
            world.observe(fact);
        }
        Ok(())
    }

    fn passed(&mut self, position: Position) {
        let mut world = self.0.write().unwrap_or_else(PoisonError::into_inner);
        world.reached(position.0);
    }

    fn set_aside(&mut self, aggregate: &AggregateId, why: &UnknownEvent) {
        let mut world = self.0.write().unwrap_or_else(PoisonError::into_inner);
        world.set_aside(aggregate, why.to_string());
    }

    fn describe(&self, request: &Arc<Request>) -> Described {
        let mut because_of = vec![request.deployment];
        if let Effect::Open(created) = &request.effect {
            because_of.push(created.build);
        }
        Described {
            role: crate::ROLE,
            name: request.effect.word(),
            because_of,
        }
    }

    fn react(&mut self, now_us: i64) -> Reaction<Arc<Request>> {
        let (requests, wake_at_us) = self
            .0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .react(now_us);
        Reaction {
            effects: requests.into_iter().map(|it| (it.id, it)).collect(),
            wake_at_us,
        }
    }
}

/// Does what the process asks for.
pub(crate) struct Performer(pub(crate) Arc<Inner>);

#[async_trait]
impl Perform<Arc<Request>> for Performer {
    async fn perform(&self, _: Uuid, request: Arc<Request>) -> Result<(), Retry> {
        let result = self.0.perform(&request).await;
        self.0.troubles.note(request.deployment, &result);
        result
    }
}

impl Inner {
    async fn perform(&self, request: &Request) -> Result<(), Retry> {
        let id = request.deployment;
        match &request.effect {
            Effect::Open(created) => {
                self.tell(id, deployment::Command::Create(created.clone()))
                    .await
            }
            Effect::OpenRelease(candidate) => self.open_release(id, candidate).await,
            Effect::Offer {
                place,
                candidate,
                definition,
                newest,
            } => {
                self.offer(place, candidate, definition.as_deref(), newest.as_ref())
                    .await
            }
            Effect::Force {
                place,
                candidate,
                reason,
            } => self.force(place, candidate, reason).await,
            Effect::Ask { stage, revision } => self.lay_open(id, stage, *revision).await,
            Effect::RecordVerdict {
                stage,
                revision,
                round,
                verdict,
            } => {
                let command = deployment::Command::RecordVerdict {
                    stage: stage.clone(),
                    revision: *revision,
                    round: *round,
                    verdict: verdict.clone(),
                };
                self.tell(id, command).await
            }
            Effect::Promote { place, held_above } => {
                self.promote(id, place, held_above.clone()).await
            }
            Effect::RecordRun {
                environment,
                run,
                attempt,
                outcome,
            } => {
                let command = deployment::Command::RecordOutcome {
                    environment: environment.clone(),
                    run: *run,
                    attempt: *attempt,
                    outcome: outcome.clone(),
                };
                self.tell(id, command).await
            }
            Effect::Finish {
                place,
                outcome,
                manifest_commit,
            } => {
                let command = slot::Command::Finish {
                    deployment: id,
                    outcome: *outcome,
                    manifest_commit: manifest_commit
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default(),
                };
                self.tell_slot(id, place, &command).await.map(drop)
            }
            Effect::Supersede {
                environment,
                by,
                rule,
            } => {
                let (environment, by, rule) = (environment.clone(), *by, *rule);
                self.tell(
                    id,
                    deployment::Command::Supersede {
                        environment,
                        by,
                        rule,
                    },
                )
                .await
            }
            Effect::Quarantine => {
                let message = "its build was reported a second time with another digest".to_owned();
                self.tell(id, deployment::Command::Quarantine { message })
                    .await
            }
            Effect::RollBack { by } => {
                self.tell(id, deployment::Command::RollBack { by: *by })
                    .await
            }
        }
    }

    /// A rollback takes the slot before everybody else and holds it.
    async fn force(&self, place: &Place, candidate: &Candidate, reason: &str) -> Result<(), Retry> {
        let hold = Hold {
            id: hold_of(candidate.deployment),
            scope: "app".into(),
            subject: format!("{}/{}", place.environment, place.application),
            reason: if reason.is_empty() {
                "rolled back".into()
            } else {
                format!("rolled back: {reason}")
            },
            until_us: None,
            source: Source::Rollback,
        };
        let command = slot::Command::Force {
            place: place.clone(),
            candidate: candidate.clone(),
            hold,
            edit: None,
        };
        let id = candidate.deployment;
        let context = Context {
            actor: self.requested_by(id).await?,
            ..self.context(id)
        };
        let slot = derive::slot(&place.environment, &place.application);
        settled(self.slots.execute(slot, &context, &command).await).map(drop)
    }

    /// Who asked for a deployment: what follows from it by itself is still theirs.
    async fn requested_by(&self, id: Uuid) -> Result<String, Retry> {
        let aggregate = AggregateId::new(deployment::Decisions::KIND, id);
        let first = self
            .deps
            .log
            .load(&aggregate, 0)
            .await
            .map_err(|error| retry(&error))?;
        Ok(first
            .first()
            .map_or_else(|| crate::ROLE.to_owned(), |it| it.commit.actor.clone()))
    }

    /// Records something on a deployment. A rejection means that it is settled already.
    async fn tell(&self, id: Uuid, command: deployment::Command) -> Result<(), Retry> {
        settled(
            self.deployments
                .execute(id, &self.context(id), &command)
                .await,
        )
        .map(drop)
    }

    /// Records something on a slot; says whether it was not refused.
    async fn tell_slot(
        &self,
        id: Uuid,
        place: &Place,
        command: &slot::Command,
    ) -> Result<bool, Retry> {
        let slot = derive::slot(&place.environment, &place.application);
        settled(self.slots.execute(slot, &self.context(id), command).await).map(|it| it.is_some())
    }
}

/// The hold that a forced deployment brings with it.
pub(crate) fn hold_of(deployment: Uuid) -> Uuid {
    derive::id("hold", &[&deployment.to_string()])
}

/// A rejection is an answer, not a failure: what follows from it is in the state.
fn settled<T, R: fmt::Display>(result: Result<T, ExecuteError<R>>) -> Result<Option<T>, Retry> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(ExecuteError::Rejected(rejection)) => {
            tracing::debug!(%rejection, "settled");
            Ok(None)
        }
        Err(other) => Err(retry(&other)),
    }
}

fn retry(why: &impl fmt::Display) -> Retry {
    Retry {
        after: Duration::from_millis(100),
        why: why.to_string(),
    }
}
