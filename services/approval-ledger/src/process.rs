//! Which rounds have to be opened and closed because of what deployments did. Pure, and free to
//! be asked any number of times.

use std::collections::{BTreeMap, BTreeSet};

use decider::Decider as _;
use ids::{AggregateId, Uuid, derive};

use crate::domain::approval::{Approval, Event, Round, State, Subject};

/// Something that happened, as far as it matters here.
#[derive(Debug, Clone)]
pub enum Fact {
    /// A stage of a deployment asks for approval.
    Asked(Subject),
    /// What a stage asked about is not what would be done any more.
    Stale {
        /// The deployment.
        deployment: Uuid,
        /// Its stage.
        stage: String,
        /// Which plan of it.
        revision: u32,
        /// Why, as a sentence.
        reason: String,
    },
    /// A deployment is over, for good.
    Over(Uuid, &'static str),
    /// Something happened to an approval, at a time in microseconds UTC.
    Approval(Uuid, i64, Event),
}

/// Something that has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask for approval of this.
    Open(Subject),
    /// Nobody is asked about this any more.
    Close {
        /// Which plan of the stage.
        revision: u32,
        /// Why, as a sentence.
        reason: String,
        /// Because the deployment is over.
        is_over: bool,
    },
}

impl Effect {
    /// A stable word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open(_) => "open-round",
            Self::Close { .. } => "close-round",
        }
    }
}

/// An effect, and the approval that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Derived: asking again is the same.
    pub id: Uuid,
    /// The approval.
    pub approval: Uuid,
    /// The deployment.
    pub deployment: Uuid,
    /// What to do.
    pub effect: Effect,
}

/// An approval, and when something happened to it.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Its last round.
    pub state: State,
    /// When that was opened, in microseconds UTC.
    pub opened_at_us: i64,
    /// When something happened to it last, in microseconds UTC.
    pub updated_at_us: i64,
}

/// What a deployment wants of an approval, as far as it was heard.
#[derive(Debug, Clone)]
struct Wanted {
    subject: Subject,
    /// Why nobody has to be asked any more, and whether the deployment is over.
    closed: Option<(String, bool)>,
}

/// Everything known, folded from the log. Grows with the number of stages that asked.
#[derive(Debug, Default)]
pub struct World {
    approvals: BTreeMap<Uuid, Known>,
    wanted: BTreeMap<Uuid, Wanted>,
    by_deployment: BTreeMap<Uuid, BTreeSet<Uuid>>,
    due: BTreeMap<Uuid, Due>,
    /// What this binary cannot read, and why.
    aside: BTreeMap<Uuid, (AggregateId, String)>,
}

impl World {
    /// Takes in a fact.
    pub fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Asked(subject) => {
                let id = derive::approval(subject.deployment, &subject.stage);
                let all = self.by_deployment.entry(subject.deployment).or_default();
                all.insert(id);
                let wanted = Wanted {
                    subject: subject.clone(),
                    closed: None,
                };
                self.wanted.insert(id, wanted);
                self.work_out(id);
            }
            Fact::Stale {
                deployment,
                stage,
                revision,
                reason,
            } => {
                let id = derive::approval(*deployment, stage);
                let wanted = self.wanted.get_mut(&id);
                if let Some(wanted) = wanted.filter(|it| it.subject.revision == *revision) {
                    wanted.closed = Some((reason.clone(), false));
                }
                self.work_out(id);
            }
            Fact::Over(deployment, how) => {
                for id in self
                    .by_deployment
                    .get(deployment)
                    .cloned()
                    .unwrap_or_default()
                {
                    if let Some(wanted) = self.wanted.get_mut(&id) {
                        wanted.closed = Some((format!("its deployment is {how}"), true));
                    }
                    self.work_out(id);
                }
            }
            Fact::Approval(id, at_us, event) => {
                let known = self.approvals.entry(*id).or_default();
                known.updated_at_us = *at_us;
                if matches!(event, Event::Opened { .. }) {
                    known.opened_at_us = *at_us;
                }
                known.state = Approval::evolve(known.state.take(), event);
                self.work_out(*id);
            }
        }
    }

    /// Leaves alone an approval, or those of a deployment, that a newer binary wrote about.
    pub fn set_aside(&mut self, aggregate: &AggregateId, why: String) {
        self.aside.insert(aggregate.id(), (aggregate.clone(), why));
    }

    /// What is left alone, and why.
    pub fn all_aside(&self) -> impl Iterator<Item = &(AggregateId, String)> {
        self.aside.values()
    }

    /// What has to be done.
    pub fn due(&self) -> impl Iterator<Item = &Due> {
        let aside = |id| self.aside.contains_key(id);
        let due = self.due.values();
        due.filter(move |it| !aside(&it.approval) && !aside(&it.deployment))
    }

    /// The approval with this id.
    pub fn approval(&self, id: Uuid) -> Option<&Known> {
        self.approvals.get(&id)
    }

    /// All approvals.
    pub fn approvals(&self) -> impl Iterator<Item = (Uuid, &Known)> {
        self.approvals.iter().map(|(id, it)| (*id, it))
    }

    /// Deployments that asked at least once.
    pub fn deployments(&self) -> impl Iterator<Item = Uuid> {
        self.by_deployment.keys().copied()
    }

    /// Approvals of a deployment.
    pub fn of(&self, deployment: Uuid) -> impl Iterator<Item = (Uuid, Option<&Known>)> {
        let all = self.by_deployment.get(&deployment).into_iter().flatten();
        all.map(|id| (*id, self.approvals.get(id)))
    }

    /// Whether the approval is about to be asked for, or asked for anew.
    pub fn is_about_to_open(&self, approval: Uuid) -> bool {
        let due = self.due.get(&approval);
        due.is_some_and(|it| matches!(it.effect, Effect::Open(_)))
    }

    fn work_out(&mut self, id: Uuid) {
        match self.due_for(id) {
            Some(due) => self.due.insert(id, due),
            None => self.due.remove(&id),
        };
    }

    fn due_for(&self, id: Uuid) -> Option<Due> {
        let Wanted { subject, closed } = self.wanted.get(&id)?;
        let last = self.approvals.get(&id).and_then(|it| it.state.as_deref());
        let is_asked = |it: &&Round| it.subject.revision >= subject.revision;
        let (word, effect) = match (last.filter(is_asked), closed) {
            (None, None) => ("open-round", Effect::Open(subject.clone())),
            (Some(round), Some((reason, is_over))) if round.standing.is_closable(*is_over) => {
                let close = Effect::Close {
                    revision: subject.revision,
                    reason: reason.clone(),
                    is_over: *is_over,
                };
                ("close-round", close)
            }
            // The plan before is asked about, and the deployment that wanted another is over.
            (None, Some((reason, true)))
                if last.is_some_and(|it| it.standing.is_closable(true)) =>
            {
                let close = Effect::Close {
                    revision: last.map_or(0, |it| it.subject.revision),
                    reason: reason.clone(),
                    is_over: true,
                };
                ("close-round", close)
            }
            _ => return None,
        };
        Some(Due {
            id: derive::effect(subject.deployment, &subject.stage, word, subject.revision),
            approval: id,
            deployment: subject.deployment,
            effect,
        })
    }
}

#[cfg(test)]
mod tests;
