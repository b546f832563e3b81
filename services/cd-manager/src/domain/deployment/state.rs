//! What is known of a deployment: what it is made of, where it is, how it ended.

use ids::{Digest, Oid, Uuid, Version};

use super::super::build::Report;
use super::super::order::Rule;
use super::super::slot::Candidate;
use super::super::track::{Destination, Kind, Stage};
use super::review::Asked;

/// What a deployment is made of; never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The build it carries.
    pub build: Uuid,
    /// The application.
    pub application: String,
    /// Its application set.
    pub application_set: String,
    /// The snapshotted track; empty for what a person asked for.
    pub track: String,
    /// Why it exists.
    pub kind: Kind,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// The build definition.
    pub definition: String,
    /// The container.
    pub container: String,
    /// What it brings.
    pub version: Version,
    /// The image.
    pub digest: Digest,
    /// Registries that hold the image.
    pub registries: Vec<String>,
    /// The source commit.
    pub commit: Option<Oid>,
    /// CI's run number.
    pub ci_run: Option<u64>,
    /// Log position of the build's report.
    pub reported_at: u64,
    /// Why a person asked for it; empty when nobody did.
    pub reason: String,
    /// For a rollback: the version that the manifest held when it was asked for.
    pub replaces: String,
}

impl Created {
    /// What a routed build becomes.
    pub fn routed(build: Uuid, report: &Report, to: &Destination, reported_at: u64) -> Self {
        Self {
            build,
            application: to.application.clone(),
            application_set: to.application_set.clone(),
            track: to.track.clone(),
            kind: to.kind,
            stages: to.stages.clone(),
            definition: report.definition.clone(),
            container: report.container.clone(),
            version: report.version.clone(),
            digest: report.digest.clone(),
            registries: report.registries.clone(),
            commit: report.commit.clone(),
            ci_run: report.ci_run,
            reported_at,
            reason: String::new(),
            replaces: String::new(),
        }
    }

    /// What the deployment `id` is to a slot.
    pub fn candidate(&self, id: Uuid) -> Candidate {
        Candidate {
            deployment: id,
            version: self.version.clone(),
            digest: self.digest.clone(),
            commit: self.commit.clone(),
            ci_run: self.ci_run,
            reported_at: self.reported_at,
        }
    }
}

/// Where it is in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The stage's id.
    pub stage: String,
    /// The environment.
    pub environment: String,
    /// How often it was tried, from 0.
    pub attempt: u32,
    /// How far it is.
    pub step: Step,
}

/// How far a deployment is in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing was written.
    Waiting,
    /// The commit was requested and may exist.
    Requested {
        /// The tip before it.
        since: Option<Oid>,
        /// The approved plan that the commit has to agree with.
        plan: Option<Digest>,
    },
    /// Somebody who was asked said no: nothing is written.
    Rejected,
    /// The manifest holds the version.
    Committed {
        /// The commit.
        commit: Oid,
    },
    /// The manifest cannot be changed as it stands.
    Refused {
        /// A stable code.
        code: String,
        /// What, where, why.
        message: String,
    },
    /// The environment runs it.
    Succeeded {
        /// The commit that wrote it.
        commit: Oid,
        /// Where it answers.
        url: String,
    },
    /// The environment does not run it.
    Failed {
        /// The commit that wrote it.
        commit: Oid,
        /// What the target said.
        message: String,
    },
    /// A newer one took its place here.
    Superseded {
        /// Which.
        by: Uuid,
        /// Why it is newer.
        rule: Rule,
    },
}

impl Step {
    /// The word in answers.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Requested { .. } => "COMMITTING",
            Self::Committed { .. } => "RECONCILING",
            Self::Refused { .. } | Self::Rejected => "HALTED",
            Self::Succeeded { .. } => "SUCCESS",
            Self::Failed { .. } => "FAILED",
            Self::Superseded { .. } => "SUPERSEDED",
        }
    }

    /// The commit that wrote the version, once there is one.
    pub fn commit(&self) -> Option<&Oid> {
        match self {
            Self::Committed { commit }
            | Self::Succeeded { commit, .. }
            | Self::Failed { commit, .. } => Some(commit),
            Self::Waiting
            | Self::Requested { .. }
            | Self::Rejected
            | Self::Refused { .. }
            | Self::Superseded { .. } => None,
        }
    }

    pub(super) fn is_requested(&self) -> bool {
        matches!(self, Self::Requested { .. })
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Succeeded { .. } | Self::Superseded { .. })
    }
}

/// How a deployment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every environment runs it.
    Success,
    /// The target or a check said no.
    Failed {
        /// Where.
        environment: String,
        /// What it said.
        message: String,
    },
    /// A newer one took its place.
    Superseded {
        /// Which.
        by: Uuid,
        /// Why it is newer.
        rule: Rule,
    },
    /// Somebody gave it up.
    Aborted {
        /// Why.
        reason: String,
    },
    /// Its build was reported with other bytes.
    Quarantined {
        /// What happened.
        message: String,
    },
    /// It succeeded and was taken back later.
    RolledBack {
        /// By which deployment.
        by: Uuid,
    },
}

/// A deployment that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// What it is made of.
    pub created: Created,
    /// Every environment of every stage, in order.
    pub places: Vec<Place>,
    /// Every plan that was laid before those who have to say yes, in order.
    pub asked: Vec<Asked>,
    /// How it ended, if it did.
    pub end: Option<End>,
}

impl Deployment {
    /// The places of the first stage that is not done.
    pub fn stage_at_hand(&self) -> &[Place] {
        let Some(first) = self.places.iter().position(|it| !it.step.is_done()) else {
            return &[];
        };
        let stage = &self.places[first].stage;
        let begin = self
            .places
            .iter()
            .position(|it| &it.stage == stage)
            .unwrap_or(first);
        let end = self
            .places
            .iter()
            .rposition(|it| &it.stage == stage)
            .unwrap_or(first);
        &self.places[begin..=end]
    }

    /// The place in an environment of a stage.
    pub fn place(&self, environment: &str) -> Option<&Place> {
        self.places.iter().find(|it| it.environment == environment)
    }

    /// The word for its state in lists.
    pub fn state_word(&self) -> &'static str {
        match &self.end {
            Some(End::Success) => "SUCCESS",
            Some(End::Failed { .. }) => "FAILED",
            Some(End::Superseded { .. }) => "SUPERSEDED",
            Some(End::Aborted { .. }) => "ABORTED",
            Some(End::Quarantined { .. }) => "QUARANTINED",
            Some(End::RolledBack { .. }) => "ROLLED_BACK",
            None => {
                let any = |f: fn(&Step) -> bool| self.places.iter().any(|it| f(&it.step));
                if any(|it| matches!(it, Step::Refused { .. } | Step::Rejected)) {
                    "HALTED"
                } else if any(|it| matches!(it, Step::Requested { .. } | Step::Committed { .. })) {
                    "IN_PROGRESS"
                } else if any(Step::is_done) {
                    "WAITING"
                } else {
                    "PENDING"
                }
            }
        }
    }

    pub(super) fn is_untouched(&self) -> bool {
        self.places.iter().all(|it| {
            matches!(
                it.step,
                Step::Waiting | Step::Refused { .. } | Step::Rejected | Step::Superseded { .. }
            )
        })
    }
}
