//! Everything known, folded from facts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use decider::Decider as _;
use ids::{AggregateId, Uuid, derive};

use super::{Fact, Request, Said, scope_keys};
use crate::domain::build::{self, Build};
use crate::domain::deployment::{self, Decisions, Deployment, Review, Step, Verdict};
use crate::domain::hold::{Hold, Holds};
use crate::domain::order::Rule;
use crate::domain::release::{Candidate, Release};
use crate::domain::scope::Scope;
use crate::domain::slot::{self, Place, Slot};

/// What is known of the approval of one stage of one deployment.
#[derive(Debug, Clone, Default)]
pub struct Round {
    /// Which plan of the stage.
    pub revision: u32,
    /// Counts up over all rounds of the stage.
    pub number: u32,
    /// Who said yes in it.
    pub yes: Vec<String>,
    /// What came of it; nothing yet, or nothing any more, when there is none.
    pub verdict: Option<Verdict>,
    deployment: Option<Uuid>,
}

/// Everything known, folded from the log. Grows with the number of builds and deployments.
#[derive(Debug, Default)]
pub struct World {
    pub(super) builds: BTreeMap<Uuid, (u64, build::State)>,
    pub(super) deployments: BTreeMap<Uuid, deployment::State>,
    pub(super) slots: BTreeMap<Uuid, slot::State>,
    pub(super) scopes: BTreeMap<Uuid, Holds>,
    pub(super) runs: BTreeMap<Uuid, Result<String, String>>,
    pub(super) rounds: BTreeMap<Uuid, Round>,
    pub(super) run_owner: BTreeMap<Uuid, Uuid>,
    pub(super) lost_place: BTreeMap<(Uuid, Uuid), (Uuid, Rule)>,
    /// Deployments that wait for a slot without being in it: whatever happens to the slot, what
    /// is asked of it for them has to be worked out again.
    pub(super) wanting: BTreeMap<Uuid, BTreeSet<Uuid>>,
    pub(super) releases: BTreeMap<Uuid, Release>,
    /// Release candidates by deployment, each with its release.
    pub(super) candidates: BTreeMap<Uuid, (Uuid, Candidate)>,
    pub(super) dirty_releases: BTreeSet<Uuid>,
    pub(super) dirty_builds: BTreeSet<Uuid>,
    pub(super) dirty: BTreeSet<Uuid>,
    pub(super) active: BTreeSet<Uuid>,
    /// What is due, by build or deployment; only what changed is worked out again.
    pub(super) due: BTreeMap<Uuid, Vec<Arc<Request>>>,
    pub(super) wake_at_us: Option<i64>,
    pub(super) position: u64,
    /// What this binary cannot read, and why.
    pub(super) aside: BTreeMap<Uuid, (AggregateId, String)>,
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

    /// The state of a deployment, as it was before anything that this binary cannot read.
    pub fn deployment_state(&self, id: Uuid) -> deployment::State {
        self.deployments.get(&id).cloned().unwrap_or_default()
    }

    /// The same of a slot.
    pub fn slot_state(&self, id: Uuid) -> slot::State {
        self.slots.get(&id).cloned().unwrap_or_default()
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

    /// What those who were asked about a stage have said.
    pub fn round(&self, deployment: Uuid, stage: &str) -> Option<&Round> {
        self.rounds.get(&derive::approval(deployment, stage))
    }

    /// Deployments whose stage at hand has an environment that waits, and a plan that was laid
    /// before somebody.
    pub fn asking(&self) -> impl Iterator<Item = (Uuid, &Deployment, &deployment::Asked)> {
        self.active.iter().filter_map(|id| {
            let deployment = self.deployment(*id).filter(|it| it.end.is_none())?;
            let mut at_hand = deployment.stage_at_hand().iter();
            let waiting = at_hand.find(|it| it.step == Step::Waiting)?;
            let asked = deployment.asked(&waiting.stage)?;
            matches!(asked.review, Review::Pending | Review::Approved)
                .then_some((*id, deployment, asked))
        })
    }

    /// The version that each manifest holds, as far as the log knows.
    pub fn written(&self) -> BTreeMap<Place, String> {
        let written = |it: &slot::State| Some((it.place.clone(), it.written.clone()?));
        self.slots.values().filter_map(written).collect()
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
                if matches!(event, build::Event::Quarantined { .. }) {
                    self.touch_releases_of_build(*id);
                }
            }
            Fact::Deployment(id, event) => {
                let state = self.deployments.remove(id).unwrap_or_default();
                self.deployments
                    .insert(*id, Decisions::evolve(state, event));
                if let Some(build) = self.own(*id) {
                    self.dirty_builds.insert(build);
                }
                self.touch_release_of(*id);
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
            Fact::Approval(id, said) => {
                let round = self.rounds.entry(*id).or_default();
                round.hear(said);
                if let Some(deployment) = round.deployment {
                    self.touch(deployment);
                }
            }
            Fact::Release(id, news) => self.release_news(*id, news),
            Fact::Run(id, outcome) => {
                self.runs.insert(*id, outcome.clone());
                if let Some(deployment) = self.run_owner.get(id).copied() {
                    self.touch(deployment);
                }
            }
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
}

impl Round {
    fn hear(&mut self, said: &Said) {
        match said {
            Said::Opened {
                deployment,
                revision,
                round,
            } => {
                // The first vote of a reopened round is heard after this.
                *self = Self {
                    revision: *revision,
                    number: *round,
                    yes: Vec::new(),
                    verdict: Some(Verdict::Reopened),
                    deployment: Some(*deployment),
                };
            }
            Said::Yes { by } => self.yes.push(by.clone()),
            Said::Enough => self.verdict = Some(Verdict::Approved),
            Said::No {
                by,
                comment,
                spoke_for,
            } => {
                self.verdict = Some(Verdict::Rejected {
                    by: by.clone(),
                    comment: comment.clone(),
                    spoke_for: spoke_for.clone(),
                });
            }
            Said::Stale => self.verdict = None,
        }
    }
}
