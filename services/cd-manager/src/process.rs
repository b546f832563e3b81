//! From what is known to what has to be done: pure, total, and free to be called any number of
//! times. Everything it asks for has a derived id, and whoever does it checks the world first,
//! so that asking twice does nothing twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use decider::Decider as _;
use ids::{Oid, Uuid, derive};

use crate::domain::build::{self, Build};
use crate::domain::deployment::{self, Created, Decisions, Deployment, End, Step};
use crate::domain::hold::{Hold, Holds};
use crate::domain::order::Rule;
use crate::domain::scope::{self, Scope};
use crate::domain::slot::{self, Candidate, Outcome, Place, Slot};
use crate::domain::track::Kind;

/// Something that happened, as far as it matters here.
#[derive(Debug, Clone)]
pub enum Fact {
    /// To a build, at a log position.
    Build(Uuid, u64, build::Event),
    /// To a deployment.
    Deployment(Uuid, deployment::Event),
    /// To a slot.
    Slot(Uuid, slot::Event),
    /// To a scope above slots.
    Scope(Uuid, scope::Event),
    /// The runner finished a run: where it answers, or what the target said.
    Run(Uuid, Result<String, String>),
}

/// Something that has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Open the deployment that a build was routed to.
    Open(Created),
    /// Find out whether it is newer than what the slot knows, and tell the slot.
    Offer {
        /// Which slot.
        place: Place,
        /// Who.
        candidate: Candidate,
        /// The build definition, which names the source repository.
        definition: String,
        /// The newest candidate so far.
        newest: Option<Candidate>,
    },
    /// A rollback takes the slot before everybody else and holds it.
    Force {
        /// Which slot.
        place: Place,
        /// Who.
        candidate: Candidate,
        /// Why it is held.
        reason: String,
    },
    /// Take the slot, write the commit, record it.
    Promote {
        /// Which slot.
        place: Place,
        /// A hold of a scope above.
        held_above: Option<String>,
    },
    /// Record what a run came to.
    RecordRun {
        /// Where.
        environment: String,
        /// Which run.
        run: Uuid,
        /// Which try.
        attempt: u32,
        /// What it came to.
        outcome: Result<String, String>,
    },
    /// Free the slot.
    Finish {
        /// Which slot.
        place: Place,
        /// How it ended.
        outcome: Outcome,
        /// The commit that wrote the version.
        manifest_commit: Option<Oid>,
    },
    /// A newer one took its place.
    Supersede {
        /// Where.
        environment: String,
        /// By whom.
        by: Uuid,
        /// Why it is newer.
        rule: Rule,
    },
    /// Its build was reported with two digests.
    Quarantine,
    /// A rollback took it back.
    RollBack {
        /// Which.
        by: Uuid,
    },
}

impl Effect {
    fn word(&self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Offer { .. } => "offer",
            Self::Force { .. } => "force",
            Self::Promote { .. } => "promote",
            Self::RecordRun { .. } => "record-run",
            Self::Finish { .. } => "finish",
            Self::Supersede { .. } => "supersede",
            Self::Quarantine => "quarantine",
            Self::RollBack { .. } => "roll-back",
        }
    }
}

/// An effect and the deployment it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Derived: asking again is the same request.
    pub id: Uuid,
    /// The deployment.
    pub deployment: Uuid,
    /// What to do.
    pub effect: Effect,
}

/// Everything known, folded from the log. Grows with the number of builds and deployments.
#[derive(Debug, Default)]
pub struct World {
    builds: BTreeMap<Uuid, (u64, build::State)>,
    deployments: BTreeMap<Uuid, deployment::State>,
    slots: BTreeMap<Uuid, slot::State>,
    scopes: BTreeMap<Uuid, Holds>,
    runs: BTreeMap<Uuid, Result<String, String>>,
    run_owner: BTreeMap<Uuid, Uuid>,
    lost_place: BTreeMap<(Uuid, Uuid), (Uuid, Rule)>,
    /// Deployments that wait for a slot without being in it: whatever happens to the slot, what
    /// is asked of it for them has to be worked out again.
    wanting: BTreeMap<Uuid, BTreeSet<Uuid>>,
    dirty_builds: BTreeSet<Uuid>,
    dirty: BTreeSet<Uuid>,
    active: BTreeSet<Uuid>,
    /// What is due, by build or deployment; only what changed is worked out again.
    due: BTreeMap<Uuid, Vec<Arc<Request>>>,
    wake_at_us: Option<i64>,
    position: u64,
}

impl World {
    /// The build with this id.
    pub fn build(&self, id: Uuid) -> Option<&build::State> {
        self.builds.get(&id).map(|(_, state)| state)
    }

    /// Builds that no application is made from.
    pub fn unmatched(&self) -> impl Iterator<Item = (Uuid, &build::Report)> {
        self.builds.iter().filter_map(|(id, (_, state))| {
            let build::State::Known { report, status, .. } = state else {
                return None;
            };
            matches!(status, build::Status::Unmatched { .. }).then_some((*id, report))
        })
    }

    /// All builds of a container with this version.
    pub fn builds_of<'a>(
        &'a self,
        definition: &'a str,
        version: &'a str,
    ) -> impl Iterator<Item = (Uuid, u64, &'a build::Report)> {
        self.builds
            .iter()
            .filter_map(move |(id, (position, state))| {
                let build::State::Known { report, .. } = state else {
                    return None;
                };
                let found = report.definition == definition && report.version.as_str() == version;
                found.then_some((*id, *position, report))
            })
    }

    /// The deployment with this id.
    pub fn deployment(&self, id: Uuid) -> Option<&Deployment> {
        self.deployments.get(&id).and_then(|it| it.as_deref())
    }

    /// Ids of all deployments.
    pub fn deployment_ids(&self) -> impl Iterator<Item = Uuid> {
        self.deployments.keys().copied()
    }

    /// How many are not at rest.
    pub fn active(&self) -> usize {
        self.active.len()
    }

    /// The slot of an application in an environment.
    pub fn slot(&self, environment: &str, application: &str) -> Option<&slot::State> {
        self.slots.get(&derive::slot(environment, application))
    }

    /// Holds in force above a slot.
    pub fn holds_above<'a>(
        &'a self,
        place: &'a Place,
        application_set: &'a str,
        now_us: i64,
    ) -> impl Iterator<Item = &'a Hold> {
        let keys = scope_keys(place, application_set);
        keys.into_iter()
            .filter_map(|key| self.scopes.get(&key))
            .flat_map(move |holds| holds.active(now_us))
    }

    /// How far in the log everything is folded.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Everything up to this position was taken in.
    pub fn reached(&mut self, position: u64) {
        self.position = position;
    }

    /// Takes in a fact. Returns nothing: what follows is asked for with [`World::react`].
    pub fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Build(id, position, event) => {
                let (first, state) = self
                    .builds
                    .remove(id)
                    .unwrap_or((*position, build::State::default()));
                self.builds
                    .insert(*id, (first, Build::evolve(state, event)));
                self.dirty_builds.insert(*id);
            }
            Fact::Deployment(id, event) => {
                let state = self.deployments.remove(id).unwrap_or_default();
                self.deployments
                    .insert(*id, Decisions::evolve(state, event));
                if let Some(build) = self.own(*id) {
                    self.dirty_builds.insert(build);
                }
                self.touch(*id);
            }
            Fact::Slot(id, event) => {
                if let Some(all) = self.wanting.remove(id) {
                    self.dirty.extend(all);
                }
                let state = self.slots.remove(id).unwrap_or_default();
                self.touch_slot(&state);
                if let slot::Event::Superseded {
                    deployment,
                    by,
                    rule,
                } = event
                {
                    self.lost_place.insert((*deployment, *id), (*by, *rule));
                    self.touch(*deployment);
                }
                let state = Slot::evolve(state, event);
                self.touch_slot(&state);
                self.slots.insert(*id, state);
            }
            Fact::Scope(id, event) => {
                let state = self.scopes.remove(id).unwrap_or_default();
                self.scopes.insert(*id, Scope::evolve(state, event));
                self.dirty.extend(&self.active);
            }
            Fact::Run(id, outcome) => {
                self.runs.insert(*id, outcome.clone());
                if let Some(deployment) = self.run_owner.get(id).copied() {
                    self.touch(deployment);
                }
            }
        }
    }

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

    fn touch(&mut self, deployment: Uuid) {
        self.dirty.insert(deployment);
        self.active.insert(deployment);
    }

    fn touch_slot(&mut self, slot: &slot::State) {
        let all = [&slot.waiting, &slot.forced, &slot.in_flight];
        let ids: Vec<_> = all.into_iter().flatten().map(|it| it.deployment).collect();
        for id in ids {
            self.touch(id);
        }
        if let Some(current) = &slot.current {
            self.dirty.insert(current.candidate.deployment);
        }
    }

    /// Remembers whose runs these will be; says which build it came from.
    fn own(&mut self, id: Uuid) -> Option<Uuid> {
        let deployment = self.deployment(id)?;
        let build = deployment.created.build;
        let owned: Vec<_> = deployment
            .places
            .iter()
            .map(|it| derive::run(id, &it.environment, it.attempt))
            .collect();
        self.run_owner
            .extend(owned.into_iter().map(|run| (run, id)));
        Some(build)
    }

    fn react_to_build(&self, id: Uuid, requests: &mut Vec<Request>) {
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
        for to in destinations {
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
        let Some(deployment) = self.deployment(id) else {
            return;
        };
        for at in &deployment.places {
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
            Step::Refused { .. }
            | Step::Succeeded { .. }
            | Step::Failed { .. }
            | Step::Superseded { .. } => None,
        }
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
        if let Some((by, rule)) = self.lost_place.get(&(id, slot_id)) {
            return Some(Effect::Supersede {
                environment: at.environment.clone(),
                by: *by,
                rule: *rule,
            });
        }
        let candidate = created.candidate(id);
        match created.kind {
            Kind::PreRelease | Kind::Hotfix => Some(Effect::Offer {
                place,
                candidate,
                definition: created.definition.clone(),
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
        let other = self.deployment(before.deployment)?;
        let taken = other.end == Some(End::Success) && before.version != rollback.created.version;
        taken.then(|| request(before.deployment, "", 0, Effect::RollBack { by: id }))
    }
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
        Step::Waiting | Step::Superseded { .. } if is_over => (Outcome::Withdrawn, None),
        Step::Waiting
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

fn request(deployment: Uuid, environment: &str, attempt: u32, effect: Effect) -> Request {
    Request {
        id: derive::effect(deployment, environment, effect.word(), attempt),
        deployment,
        effect,
    }
}

/// Every scope above a slot, by aggregate id.
pub fn scope_keys(place: &Place, application_set: &str) -> [Uuid; 4] {
    [
        scope_key("all", ""),
        scope_key("environment", &place.environment),
        scope_key("appset", application_set),
        scope_key("app", &place.application),
    ]
}

/// The aggregate id of a scope.
pub fn scope_key(scope: &str, subject: &str) -> Uuid {
    derive::environment(&format!("{scope}/{subject}"))
}

#[cfg(test)]
mod tests;
