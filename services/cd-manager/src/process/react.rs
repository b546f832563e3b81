//! What follows from what is known.

use std::sync::Arc;

use ids::{Uuid, derive};

use super::{Effect, Request, World, request};
use crate::domain::build;
use crate::domain::deployment::{self, Created, Deployment, End, Review, Step, Verdict};
use crate::domain::slot::{self, Candidate, Outcome, Place};
use crate::domain::track::{Destination, Kind};

impl World {
    /// What has to be done now, and when to look again without anything happening. Costs what
    /// changed since the last call, plus what is due.
    pub fn react(&mut self, now_us: i64) -> (Vec<Arc<Request>>, Option<i64>) {
        if self.wake_at_us.is_some_and(|at| at <= now_us) {
            self.dirty.extend(&self.active);
        }
        for id in std::mem::take(&mut self.dirty_builds) {
            let mut requests = Vec::new();
            self.react_to_build(id, &mut requests);
            self.keep(id, requests);
        }
        for id in std::mem::take(&mut self.dirty_releases) {
            let mut requests = Vec::new();
            self.react_to_release(id, &mut requests);
            self.keep(id, requests);
        }
        for id in std::mem::take(&mut self.dirty) {
            let mut requests = Vec::new();
            self.react_to_deployment(id, now_us, &mut requests);
            let at_rest = self.deployment(id).is_none_or(|it| it.end.is_some());
            if at_rest && requests.is_empty() {
                self.active.remove(&id);
            } else {
                self.active.insert(id);
                self.want(id);
            }
            self.keep(id, requests);
        }
        let holds = self
            .slots
            .values()
            .map(|it| &it.holds)
            .chain(self.scopes.values());
        let next = holds.filter_map(|it| it.next_end_us(now_us)).min();
        self.wake_at_us = if self.active.is_empty() { None } else { next };
        (
            self.due.values().flatten().cloned().collect(),
            self.wake_at_us,
        )
    }

    fn want(&mut self, id: Uuid) {
        let Some(deployment) = self.deployments.get(&id).and_then(|it| it.as_deref()) else {
            return;
        };
        for at in deployment
            .places
            .iter()
            .filter(|it| it.step == Step::Waiting)
        {
            let slot = derive::slot(&at.environment, &deployment.created.application);
            self.wanting.entry(slot).or_default().insert(id);
        }
    }

    fn keep(&mut self, id: Uuid, requests: Vec<Request>) {
        if requests.is_empty() {
            self.due.remove(&id);
        } else {
            self.due
                .insert(id, requests.into_iter().map(Arc::new).collect());
        }
    }

    fn react_to_build(&self, id: Uuid, requests: &mut Vec<Request>) {
        if self.aside.contains_key(&id) {
            return;
        }
        let Some((
            position,
            build::State::Known {
                report,
                status,
                destinations,
            },
        )) = self.builds.get(&id)
        else {
            return;
        };
        let readable = |it: &&Destination| !self.aside.contains_key(&it.deployment);
        for to in destinations.iter().filter(readable) {
            let known = self.deployment(to.deployment);
            let effect = match (status, known) {
                (build::Status::Routed, None) => {
                    Effect::Open(Created::routed(id, report, to, *position))
                }
                (build::Status::Quarantined { .. }, Some(known)) if known.end.is_none() => {
                    Effect::Quarantine
                }
                _ => continue,
            };
            requests.push(request(to.deployment, "", 0, effect));
        }
    }

    fn react_to_deployment(&self, id: Uuid, now_us: i64, requests: &mut Vec<Request>) {
        let Some(deployment) = self
            .deployment(id)
            .filter(|_| !self.aside.contains_key(&id))
        else {
            return;
        };
        for at in &deployment.places {
            if self.stands_still(id, deployment, at) {
                continue;
            }
            let place = Place {
                environment: at.environment.clone(),
                application: deployment.created.application.clone(),
            };
            let slot_id = derive::slot(&place.environment, &place.application);
            // What was requested runs to its end, even when another environment failed.
            let underway = matches!(at.step, Step::Requested { .. } | Step::Committed { .. });
            let at_hand =
                underway || (deployment.end.is_none() && deployment.stage_at_hand().contains(at));
            let effect = match self.slots.get(&slot_id) {
                Some(slot) => free_slot(id, deployment, at, slot).or_else(|| {
                    at_hand
                        .then(|| self.advance(id, deployment, at, slot_id, Some(slot), now_us))?
                }),
                None if at_hand => self.advance(id, deployment, at, slot_id, None, now_us),
                None => None,
            };
            requests.extend(effect.map(|it| request(id, &at.environment, at.attempt, it)));
        }
        requests.extend(self.verdict(id, deployment));
        if deployment.created.kind == Kind::Rollback && deployment.end == Some(End::Success) {
            requests.extend(self.taken_back_by(id, deployment));
        }
    }

    fn advance(
        &self,
        id: Uuid,
        deployment: &Deployment,
        at: &deployment::Place,
        slot_id: Uuid,
        slot: Option<&slot::State>,
        now_us: i64,
    ) -> Option<Effect> {
        let environment = at.environment.clone();
        match &at.step {
            Step::Waiting => self.take_turn(id, deployment, at, slot_id, slot, now_us),
            Step::Requested { .. } => {
                let place = Place {
                    environment,
                    application: deployment.created.application.clone(),
                };
                Some(Effect::Promote {
                    place,
                    held_above: None,
                })
            }
            Step::Committed { commit } => {
                let run = derive::run(id, &at.environment, at.attempt);
                let outcome = self.runs.get(&run)?.clone();
                // The slot first: whoever hears of the success finds it in the slot.
                if let Some(slot) = slot.filter(|it| it.has(id)) {
                    let ended = if outcome.is_ok() {
                        Outcome::Succeeded
                    } else {
                        Outcome::Failed
                    };
                    return Some(Effect::Finish {
                        place: slot.place.clone(),
                        outcome: ended,
                        manifest_commit: Some(commit.clone()),
                    });
                }
                Some(Effect::RecordRun {
                    environment,
                    run,
                    attempt: at.attempt,
                    outcome,
                })
            }
            Step::Rejected => self.lost(id, at, slot_id),
            Step::Refused { .. }
            | Step::Succeeded { .. }
            | Step::Failed { .. }
            | Step::Superseded { .. } => None,
        }
    }

    /// What those who were asked about the stage at hand said, when it is not recorded yet.
    fn verdict(&self, id: Uuid, deployment: &Deployment) -> Option<Request> {
        if deployment.end.is_some() {
            return None;
        }
        let stage = &deployment.stage_at_hand().first()?.stage;
        let asked = deployment.asked(stage)?;
        let round = self.round(id, stage)?;
        let verdict = round.verdict.clone()?;
        let is_news = match (&asked.review, &verdict) {
            (Review::Pending, Verdict::Approved | Verdict::Rejected { .. }) => true,
            (Review::Rejected { round: before, .. }, Verdict::Approved | Verdict::Reopened) => {
                round.number > *before
            }
            _ => false,
        };
        if !is_news || round.revision != asked.plan.revision {
            return None;
        }
        let effect = Effect::RecordVerdict {
            stage: stage.clone(),
            revision: round.revision,
            round: round.number,
            verdict,
        };
        Some(request(id, stage, round.number, effect))
    }

    fn lost(&self, id: Uuid, at: &deployment::Place, slot_id: Uuid) -> Option<Effect> {
        let (by, rule) = self.lost_place.get(&(id, slot_id))?;
        Some(Effect::Supersede {
            environment: at.environment.clone(),
            by: *by,
            rule: *rule,
        })
    }

    fn take_turn(
        &self,
        id: Uuid,
        deployment: &Deployment,
        at: &deployment::Place,
        slot_id: Uuid,
        slot: Option<&slot::State>,
        now_us: i64,
    ) -> Option<Effect> {
        let created = &deployment.created;
        let place = Place {
            environment: at.environment.clone(),
            application: created.application.clone(),
        };
        if created
            .stages
            .iter()
            .any(|it| it.id == at.stage && !it.gates.is_empty())
        {
            return None;
        }
        let is = |it: &Option<Candidate>| it.as_ref().is_some_and(|it| it.deployment == id);
        if let Some(slot) = slot {
            if is(&slot.in_flight) {
                return Some(Effect::Promote {
                    place,
                    held_above: None,
                });
            }
            if is(&slot.waiting) || is(&slot.forced) {
                if !deployment.may_write(&at.stage) {
                    return ask(deployment, at);
                }
                let is_next =
                    slot.in_flight.is_none() && slot.next().is_some_and(|it| it.deployment == id);
                let above = self
                    .holds_above(&place, &created.application_set, now_us)
                    .next();
                let is_held = above.is_some() || slot.holds.active(now_us).next().is_some();
                let may = is_next && (is(&slot.forced) || !is_held);
                return may.then_some(Effect::Promote {
                    place,
                    held_above: None,
                });
            }
        }
        if let Some(supersede) = self.lost(id, at, slot_id) {
            return Some(supersede);
        }
        let candidate = created.candidate(id);
        match created.kind {
            Kind::PreRelease | Kind::Hotfix | Kind::Release => Some(Effect::Offer {
                place,
                candidate,
                definition: (created.kind != Kind::Release).then(|| created.definition.clone()),
                newest: slot.and_then(|it| it.newest.clone()),
            }),
            // A second one waits until the first has the slot.
            Kind::Rollback if slot.is_some_and(|it| it.forced.is_some()) => None,
            Kind::Rollback => Some(Effect::Force {
                place,
                candidate,
                reason: created.reason.clone(),
            }),
            // The watch that found it in git forces it, with its author.
            Kind::Manual => None,
        }
    }

    /// The deployment that a rollback replaced, when it had succeeded.
    fn taken_back_by(&self, id: Uuid, rollback: &Deployment) -> Option<Request> {
        let at = rollback.places.first()?;
        let slot = self.slots.get(&derive::slot(
            &at.environment,
            &rollback.created.application,
        ))?;
        let here = slot
            .history
            .iter()
            .rposition(|it| it.candidate.deployment == id)?;
        let before = &slot.history.get(here.checked_sub(1)?)?.candidate;
        if self.aside.contains_key(&before.deployment) {
            return None;
        }
        let other = self.deployment(before.deployment)?;
        let taken = other.end == Some(End::Success) && before.version != rollback.created.version;
        taken.then(|| request(before.deployment, "", 0, Effect::RollBack { by: id }))
    }
}

/// A stage is laid before those who have to say yes once, by its first environment that waits.
fn ask(deployment: &Deployment, at: &deployment::Place) -> Option<Effect> {
    let revision = deployment.has_to_ask(&at.stage)?;
    let mut waiting = deployment
        .stage_at_hand()
        .iter()
        .filter(|it| it.step == Step::Waiting);
    let is_first = waiting
        .next()
        .is_some_and(|it| it.environment == at.environment);
    is_first.then(|| Effect::Ask {
        stage: at.stage.clone(),
        revision,
    })
}

/// Frees the slot when the deployment in it is done with it.
fn free_slot(
    id: Uuid,
    deployment: &Deployment,
    at: &deployment::Place,
    slot: &slot::State,
) -> Option<Effect> {
    let is = |it: &Option<Candidate>| it.as_ref().is_some_and(|it| it.deployment == id);
    let has = is(&slot.in_flight);
    let queued = is(&slot.waiting) || is(&slot.forced);
    let is_over = deployment.end.is_some() && (has || queued);
    let (outcome, manifest_commit) = match &at.step {
        Step::Succeeded { commit, .. } if has => (Outcome::Succeeded, Some(commit.clone())),
        Step::Failed { commit, .. } if has => (Outcome::Failed, Some(commit.clone())),
        Step::Refused { .. } if has || is_over => (Outcome::Withdrawn, None),
        // What was approved is not what stands there now.
        Step::Waiting | Step::Rejected if has && !deployment.may_write(&at.stage) => {
            (Outcome::Withdrawn, None)
        }
        Step::Waiting | Step::Rejected | Step::Superseded { .. } if is_over => {
            (Outcome::Withdrawn, None)
        }
        Step::Waiting
        | Step::Rejected
        | Step::Requested { .. }
        | Step::Committed { .. }
        | Step::Refused { .. }
        | Step::Succeeded { .. }
        | Step::Failed { .. }
        | Step::Superseded { .. } => return None,
    };
    Some(Effect::Finish {
        place: slot.place.clone(),
        outcome,
        manifest_commit,
    })
}
