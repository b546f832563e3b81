//! What cd-manager knows of a release: enough to take a candidate through the release stages,
//! and to say what a release waits for.

use ids::{Uuid, Version};

use super::build::Report;

/// What the releaser said.
#[derive(Debug, Clone)]
pub enum News {
    /// A release was asked for.
    Created {
        /// Whose bundle.
        application_set: String,
        /// Such as `2026.11`.
        bundle: String,
    },
    /// A pass began.
    Begun {
        /// Which, from 0.
        ordinal: u32,
        /// Who asked for it.
        requested_by: String,
    },
    /// Its tag is settled.
    Numbered(Version),
    /// Every registry holds the tag.
    Ready(Vec<Candidate>),
    /// The pass is over: how, and why when not well.
    Over {
        /// SUCCESS, FAILED and so on.
        state: String,
        /// Why.
        message: String,
    },
    /// Its deployment goes on.
    Resumed,
}

/// An application of a release, ready to be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The application.
    pub application: String,
    /// The build that was tagged.
    pub build: Uuid,
    /// The version it was built as.
    pub built_as: Version,
    /// What CI said of it, under the tag of the candidate.
    pub report: Report,
    /// Why it is deployed.
    pub reason: String,
    /// Who asked for it.
    pub requested_by: String,
    /// Log position at which it became ready: what orders candidates.
    pub ready_at: u64,
}

/// How far the last pass of a release is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Step {
    /// Its tags are written.
    #[default]
    Tagging,
    /// Its deployments are on their way.
    Promoting,
    /// It is over.
    Over {
        /// SUCCESS, FAILED and so on.
        state: String,
        /// Why.
        message: String,
    },
}

/// A release and its last pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// Whose bundle.
    pub application_set: String,
    /// Such as `2026.11`.
    pub bundle: String,
    /// Which pass, from 0.
    pub ordinal: u32,
    /// Who asked for it.
    pub requested_by: String,
    /// Its tag, once it is settled.
    pub tag: Option<Version>,
    /// How far it is.
    pub step: Step,
    /// Its deployments, once it is ready.
    pub deployments: Vec<Uuid>,
}

impl Release {
    /// As people write it.
    pub fn name(&self) -> String {
        format!("{}/{}", self.application_set, self.bundle)
    }

    /// The word in answers.
    pub fn state_word(&self) -> &str {
        match &self.step {
            Step::Tagging => "TAGGING",
            Step::Promoting => "PROMOTING",
            Step::Over { state, .. } => state,
        }
    }
}
