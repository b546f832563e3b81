//! What is known of a release: its passes, and how far each of them is.

use ids::{Digest, Oid, Uuid, Version};

/// One application of a pass, as it last succeeded in pre-release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The application.
    pub application: String,
    /// The deployment that succeeded.
    pub deployment: Uuid,
    /// The build.
    pub build: Uuid,
    /// The build definition.
    pub definition: String,
    /// The container.
    pub container: String,
    /// The version it was built as.
    pub version: Version,
    /// The image.
    pub digest: Digest,
    /// Registries that hold the image.
    pub registries: Vec<String>,
    /// The source commit, when CI said.
    pub commit: Option<Oid>,
}

/// A tag that a registry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The application.
    pub application: String,
    /// The registry.
    pub registry: String,
    /// Where exactly.
    pub place: String,
    /// The image.
    pub digest: Digest,
    /// An earlier try wrote it.
    pub already: bool,
}

/// How the deployment of a pass ended without success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The target or a check said no.
    Failed,
    /// Somebody gave it up.
    Aborted,
    /// A newer one took its place.
    Superseded,
    /// Its build was reported with other bytes.
    Quarantined,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 4] = [
        Self::Failed,
        Self::Aborted,
        Self::Superseded,
        Self::Quarantined,
    ];

    /// The word in events and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "FAILED",
            Self::Aborted => "ABORTED",
            Self::Superseded => "SUPERSEDED",
            Self::Quarantined => "QUARANTINED",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// How far a pass is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Its number is reserved and its tags are written.
    Tagging,
    /// A registry cannot hold a tag.
    Refused {
        /// What, where, why.
        message: String,
    },
    /// The tags stand; its deployment is on its way.
    Promoting,
    /// Every environment runs it.
    Succeeded,
    /// Its deployment ended otherwise.
    Failed {
        /// How.
        outcome: Outcome,
        /// In which words.
        message: String,
    },
}

/// One pass through the release stages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// Counts the passes, from 0.
    pub ordinal: u32,
    /// What it is about.
    pub items: Vec<Item>,
    /// Its number, once it is reserved.
    pub number: Option<u32>,
    /// Its tag, once its number is reserved.
    pub tag: Option<Version>,
    /// Where the tag stands so far.
    pub tagged: Vec<Tagged>,
    /// How far it is.
    pub step: Step,
}

impl Pass {
    /// Every application and registry that still needs the tag.
    pub fn untagged(&self) -> impl Iterator<Item = (&Item, &str)> {
        self.items.iter().flat_map(move |item| {
            let registries = item.registries.iter().map(String::as_str);
            registries
                .filter(move |it| self.tag_in(&item.application, it).is_none())
                .map(move |it| (item, it))
        })
    }

    /// Where the tag of an application stands in a registry, if it does.
    pub fn tag_in(&self, application: &str, registry: &str) -> Option<&Tagged> {
        self.tagged
            .iter()
            .find(|it| it.application == application && it.registry == registry)
    }

    /// The tag, or what stands for it until there is one.
    pub fn name(&self) -> String {
        match &self.tag {
            Some(tag) => tag.to_string(),
            None => self.ordinal.to_string(),
        }
    }

    /// The word in answers.
    pub fn state_word(&self) -> &'static str {
        match &self.step {
            Step::Tagging => "TAGGING",
            Step::Promoting => "PROMOTING",
            Step::Succeeded => "SUCCESS",
            Step::Refused { .. } => "FAILED",
            Step::Failed { outcome, .. } => outcome.as_str(),
        }
    }

    /// Why it is so; empty when the word says all.
    pub fn message(&self) -> &str {
        match &self.step {
            Step::Refused { message } | Step::Failed { message, .. } => message,
            Step::Tagging | Step::Promoting | Step::Succeeded => "",
        }
    }
}

/// A release that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Whose bundle.
    pub application_set: String,
    /// Such as `2026.11`.
    pub bundle: String,
    /// The release track.
    pub track: String,
    /// Its passes, oldest first; never empty once it is decided.
    pub passes: Vec<Pass>,
}

impl Release {
    /// The pass that counts.
    pub fn last(&self) -> Option<&Pass> {
        self.passes.last()
    }

    /// What its tags begin with.
    pub fn tag_base(&self) -> String {
        tag_base(&self.application_set, &self.bundle)
    }
}

/// What the tags of a release begin with.
pub fn tag_base(application_set: &str, bundle: &str) -> String {
    format!("{application_set}-{bundle}")
}
