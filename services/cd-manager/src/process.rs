//! From what is known to what has to be done: pure, total, and free to be called any number of
//! times. Everything it asks for has a derived id, and whoever does it checks the world first,
//! so that asking twice does nothing twice.

mod aside;
mod react;
mod releases;
mod world;

use ids::{Oid, Uuid, derive};

use crate::domain::deployment::{self, Created, Verdict};
use crate::domain::order::Rule;
use crate::domain::release::{Candidate as ReleaseCandidate, News};
use crate::domain::slot::{self, Candidate, Outcome, Place};
use crate::domain::{build, scope};

pub use self::world::{Round, World};

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
    /// To a release.
    Release(Uuid, News),
    /// The runner finished a run: where it answers, or what the target said.
    Run(Uuid, Result<String, String>),
    /// Something happened to the approval of a stage.
    Approval(Uuid, Said),
}

/// What happened to the approval of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A round was opened.
    Opened {
        /// The deployment.
        deployment: Uuid,
        /// Which plan of the stage.
        revision: u32,
        /// Counts up over all rounds of the stage.
        round: u32,
    },
    /// A person said yes.
    Yes {
        /// Who.
        by: String,
    },
    /// Enough said yes.
    Enough,
    /// A person said no.
    No {
        /// Who.
        by: String,
        /// As it was written.
        comment: String,
        /// Groups and persons they spoke for.
        spoke_for: Vec<String>,
    },
    /// The round counts for nothing any more.
    Stale,
}

/// Something that has to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Open the deployment that a build was routed to.
    Open(Created),
    /// Open the deployment of a release candidate.
    OpenRelease(Box<ReleaseCandidate>),
    /// Find out whether it is newer than what the slot knows, and tell the slot.
    Offer {
        /// Which slot.
        place: Place,
        /// Who.
        candidate: Candidate,
        /// The build definition, which names the source repository; `None` for a release
        /// candidate, which is ordered by its number.
        definition: Option<String>,
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
    /// Lay what would be done before those who have to say yes.
    Ask {
        /// The stage.
        stage: String,
        /// Which plan of it.
        revision: u32,
    },
    /// Record what they said.
    RecordVerdict {
        /// The stage.
        stage: String,
        /// Which plan of it.
        revision: u32,
        /// In which round.
        round: u32,
        /// What.
        verdict: Verdict,
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
    /// A stable word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Open(_) | Self::OpenRelease(_) => "open",
            Self::Offer { .. } => "offer",
            Self::Force { .. } => "force",
            Self::Ask { .. } => "ask",
            Self::RecordVerdict { verdict, .. } => verdict.as_str(),
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
