//! The last round of an approval, and how it stands.

use super::{About, Person, Subject, Who};

/// A vote, as it stands in a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Who.
    pub by: Person,
    /// As it was written.
    pub comment: String,
}

/// How a round stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not enough said anything yet.
    Open,
    /// Enough said yes.
    Reached,
    /// Somebody said no.
    Rejected {
        /// Who, and why.
        vote: Vote,
        /// Those of the policy that they spoke for.
        spoke_for: Vec<Who>,
    },
    /// It counts for nothing any more.
    Stale {
        /// Why.
        reason: String,
    },
}

impl Standing {
    /// The word in answers.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Reached => "APPROVED",
            Self::Rejected { .. } => "REJECTED",
            Self::Stale { .. } => "STALE",
        }
    }
}

/// The last round of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Counts up from 1.
    pub number: u32,
    /// What it is about.
    pub subject: Subject,
    /// Who said yes, in order.
    pub yes: Vec<Vote>,
    /// How it stands.
    pub standing: Standing,
}

impl Round {
    /// Which round, and about what.
    pub fn about(&self) -> About {
        about(self.number, &self.subject)
    }
}

pub(super) fn about(round: u32, subject: &Subject) -> About {
    About {
        deployment: subject.deployment,
        stage: subject.stage.clone(),
        round,
        revision: subject.revision,
        plan: subject.plan.clone(),
    }
}

impl Standing {
    /// Whether a round that stands like this can be closed: when its deployment is over, or only
    /// because its plan is stale. A rejection of a stale plan stands until who rejected takes it
    /// back.
    pub fn is_closable(&self, is_over: bool) -> bool {
        match self {
            Self::Open => true,
            Self::Reached => !is_over,
            Self::Rejected { .. } => is_over,
            Self::Stale { .. } => false,
        }
    }
}
