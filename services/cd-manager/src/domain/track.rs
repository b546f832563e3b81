//! The way a build takes, as the manifests said when it was routed.

use ids::Uuid;
use policy::Policy;

/// One stage of a snapshotted track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Stable within the track: position and environments.
    pub id: String,
    /// What it promotes to, all at once.
    pub environments: Vec<String>,
    /// Conditions of the stage that nothing can meet yet: it waits rather than pass them by.
    pub gates: Vec<String>,
    /// Who has to say yes before anything is written; nobody when there is none.
    pub approval: Option<Policy>,
}

impl Stage {
    /// The stage at `position` (from 0) of a track, open to everybody.
    pub fn new(position: usize, environments: Vec<String>) -> Self {
        Self {
            id: format!("{position}:{}", environments.join("+")),
            environments,
            gates: Vec::new(),
            approval: None,
        }
    }
}

/// Why a deployment exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A build of a type that the application set takes into pre-release.
    PreRelease,
    /// A hotfix build.
    Hotfix,
    /// A release candidate on its way through the release stages.
    Release,
    /// A person returned to a version that ran before.
    Rollback,
    /// A person wrote a version into git.
    Manual,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::PreRelease,
        Self::Hotfix,
        Self::Release,
        Self::Rollback,
        Self::Manual,
    ];

    /// The word in events and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreRelease => "PRE_RELEASE",
            Self::Hotfix => "HOTFIX",
            Self::Release => "RELEASE",
            Self::Rollback => "ROLLBACK",
            Self::Manual => "MANUAL",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }

    /// Whether it goes first and through holds: a person decided it just now.
    pub fn is_forced(self) -> bool {
        match self {
            Self::PreRelease | Self::Hotfix | Self::Release => false,
            Self::Rollback | Self::Manual => true,
        }
    }
}

/// One application that a build goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The application's name.
    pub application: String,
    /// The application set it belongs to.
    pub application_set: String,
    /// The track that was snapshotted.
    pub track: String,
    /// Which part of the track.
    pub kind: Kind,
    /// The snapshot.
    pub stages: Vec<Stage>,
    /// The deployment that carries it.
    pub deployment: Uuid,
}
