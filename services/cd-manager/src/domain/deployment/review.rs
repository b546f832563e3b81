//! What a deployment knows of the approvals that its stages ask for.

use super::super::plan::Plan;
use super::state::{Deployment, Place, Step};
use super::{Command, Event, Rejection};

/// A plan that was laid before those who have to say yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What would be done.
    pub plan: Plan,
    /// What became of it.
    pub review: Review,
}

/// What became of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    /// Nobody, or not enough, said anything yet.
    Pending,
    /// Enough said yes.
    Approved,
    /// Somebody said no.
    Rejected {
        /// In which round.
        round: u32,
        /// Who.
        by: String,
        /// Why.
        comment: String,
        /// Groups and persons they spoke for.
        spoke_for: Vec<String>,
    },
    /// What would be done is something else now.
    Stale {
        /// The file that differs.
        file: String,
        /// The first field in it; empty when only comments or layout differ.
        field: String,
    },
}

/// What those who were asked said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Enough said yes.
    Approved,
    /// One said no.
    Rejected {
        /// Who.
        by: String,
        /// Why.
        comment: String,
        /// Groups and persons they spoke for.
        spoke_for: Vec<String>,
    },
    /// Who had said no said yes.
    Reopened,
}

impl Verdict {
    /// A word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Reopened => "reopened",
        }
    }
}

impl Deployment {
    /// The last plan of a stage that was laid before those who have to say yes.
    pub fn asked(&self, stage: &str) -> Option<&Asked> {
        self.asked.iter().rfind(|it| it.plan.stage == stage)
    }

    /// Whether a stage waits for nobody's yes.
    pub fn may_write(&self, stage: &str) -> bool {
        let asks = self
            .created
            .stages
            .iter()
            .any(|it| it.id == stage && it.approval.is_some());
        !asks
            || self
                .asked(stage)
                .is_some_and(|it| it.review == Review::Approved)
    }

    /// The number of the plan that a stage has to ask about next, if it has to.
    pub fn has_to_ask(&self, stage: &str) -> Option<u32> {
        match self.asked(stage) {
            None => Some(0),
            Some(Asked {
                plan,
                review: Review::Stale { .. },
            }) => Some(plan.revision + 1),
            Some(_) => None,
        }
    }

    fn in_stage(&self, stage: &str, is: impl Fn(&Step) -> bool) -> Vec<String> {
        let found = self
            .places
            .iter()
            .filter(|it| it.stage == stage && is(&it.step));
        found.map(|it| it.environment.clone()).collect()
    }
}

/// What follows from a command about approvals; nothing from another one.
pub(super) fn decide(deployment: &Deployment, command: &Command) -> Result<Vec<Event>, Rejection> {
    if let Command::Ask(plan) = command {
        return ask(deployment, plan);
    }
    if let Command::RecordStale {
        stage,
        revision,
        environment,
        file,
        field,
    } = command
    {
        let at = |it: &String| {
            let missing = || Rejection::NoSuchEnvironment(it.clone());
            deployment.place(it).ok_or_else(missing)
        };
        let place = environment.as_ref().map(at).transpose()?;
        let which = (stage.as_str(), *revision);
        return Ok(record_stale(deployment, which, place, (file, field)));
    }
    if let Command::RecordVerdict {
        stage,
        revision,
        round,
        verdict,
    } = command
    {
        let which = (stage.as_str(), *revision, *round);
        return Ok(record_verdict(deployment, which, verdict));
    }
    Ok(vec![])
}

fn ask(deployment: &Deployment, plan: &Plan) -> Result<Vec<Event>, Rejection> {
    if deployment.end.is_some() {
        return Err(Rejection::Over(deployment.state_word()));
    }
    let is_at_hand = deployment
        .stage_at_hand()
        .first()
        .is_some_and(|it| it.stage == plan.stage);
    let is_next = deployment.has_to_ask(&plan.stage) == Some(plan.revision);
    Ok(if is_at_hand && is_next {
        vec![Event::StageReady(plan.clone())]
    } else {
        vec![]
    })
}

fn record_stale(
    deployment: &Deployment,
    (stage, revision): (&str, u32),
    environment: Option<&Place>,
    (file, field): (&str, &str),
) -> Vec<Event> {
    let found = deployment
        .asked
        .iter()
        .find(|it| it.plan.stage == stage && it.plan.revision == revision);
    let Some(Asked { plan, review }) = found else {
        return vec![];
    };
    let refused = environment.filter(
        |it| matches!(&it.step, Step::Requested { plan: Some(under), .. } if *under == plan.digest),
    );
    let may_become = match review {
        Review::Pending | Review::Approved => deployment.end.is_none(),
        Review::Rejected { .. } | Review::Stale { .. } => false,
    };
    if !may_become && refused.is_none() {
        return vec![];
    }
    vec![Event::StageStale {
        stage: stage.to_owned(),
        environments: refused
            .into_iter()
            .map(|it| it.environment.clone())
            .collect(),
        revision,
        plan: plan.digest.clone(),
        file: file.to_owned(),
        field: field.to_owned(),
    }]
}

fn record_verdict(
    deployment: &Deployment,
    (stage, revision, round): (&str, u32, u32),
    verdict: &Verdict,
) -> Vec<Event> {
    let asked = deployment.asked(stage);
    let Some(Asked { plan, review }) = asked.filter(|it| it.plan.revision == revision) else {
        return vec![];
    };
    if deployment.end.is_some() {
        return vec![];
    }
    let (stage, plan) = (stage.to_owned(), plan.digest.clone());
    let reopened = || Event::StageReopened {
        stage: stage.clone(),
        environments: deployment.in_stage(&stage, |it| *it == Step::Rejected),
        revision,
        plan: plan.clone(),
        round,
    };
    let approved = || Event::StageApproved {
        stage: stage.clone(),
        revision,
        plan: plan.clone(),
        round,
    };
    match (review, verdict) {
        (Review::Pending, Verdict::Approved) => vec![approved()],
        (Review::Rejected { round: before, .. }, Verdict::Approved) if round > *before => {
            vec![reopened(), approved()]
        }
        (Review::Rejected { round: before, .. }, Verdict::Reopened) if round > *before => {
            vec![reopened()]
        }
        (
            Review::Pending,
            Verdict::Rejected {
                by,
                comment,
                spoke_for,
            },
        ) => vec![Event::StageRejected {
            environments: deployment.in_stage(&stage, |it| *it == Step::Waiting),
            stage,
            revision,
            plan,
            round,
            by: by.clone(),
            comment: comment.clone(),
            spoke_for: spoke_for.clone(),
        }],
        _ => vec![],
    }
}

/// What an event about approvals makes of a deployment; another one changes nothing.
pub(super) fn evolve(deployment: &mut Deployment, event: &Event) {
    if let Event::StageReady(plan) = event {
        deployment.asked.push(Asked {
            plan: plan.clone(),
            review: Review::Pending,
        });
    } else if let Event::StageStale {
        stage,
        environments,
        revision,
        file,
        field,
        ..
    } = event
    {
        let (file, field) = (file.clone(), field.clone());
        settle(
            deployment,
            (stage, *revision),
            Review::Stale { file, field },
        );
        set_all(deployment, environments, &Step::Waiting);
    } else if let Event::StageApproved {
        stage, revision, ..
    } = event
    {
        settle(deployment, (stage, *revision), Review::Approved);
    } else if let Event::StageReopened {
        stage,
        environments,
        revision,
        ..
    } = event
    {
        settle(deployment, (stage, *revision), Review::Pending);
        set_all(deployment, environments, &Step::Waiting);
    } else if let Event::StageRejected {
        stage,
        environments,
        revision,
        round,
        by,
        comment,
        spoke_for,
        ..
    } = event
    {
        let review = Review::Rejected {
            round: *round,
            by: by.clone(),
            comment: comment.clone(),
            spoke_for: spoke_for.clone(),
        };
        settle(deployment, (stage, *revision), review);
        set_all(deployment, environments, &Step::Rejected);
    }
}

fn settle(deployment: &mut Deployment, (stage, revision): (&str, u32), review: Review) {
    let found = deployment
        .asked
        .iter_mut()
        .find(|it| it.plan.stage == stage && it.plan.revision == revision);
    if let Some(asked) = found {
        asked.review = review;
    }
}

fn set_all(deployment: &mut Deployment, environments: &[String], step: &Step) {
    for place in &mut deployment.places {
        if environments.contains(&place.environment) {
            place.step = step.clone();
        }
    }
}
