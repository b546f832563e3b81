//! A stage of a release track: where it deploys, and what has to be true before.

use std::fmt;

use serde::Serialize;

use crate::decode;
use crate::kinds::Kind;
use crate::kinds::policy::{POLICY, Policy};
use crate::kinds::verify::{VERIFY, Verify};
use crate::kinds::window::{WINDOW, Window};
use crate::shape::{Field, Format, Object, Shape};
use crate::tree::Node;

pub(super) static STAGE: Object = Object::new(
    "Stage",
    &[
        Field::new(
            "name",
            Shape::Scalar(Format::Name),
            "Its id; by default the names of its environments.",
        ),
        Field::required(
            "environments",
            Shape::NonEmpty(&Shape::Ref(Kind::Environment)),
            "Where it deploys to, all at once.",
        ),
        Field::new(
            "approvalPolicy",
            Shape::Object(&POLICY),
            "Who has to say yes; nobody by default.",
        ),
        Field::new(
            "soak",
            Shape::Scalar(Format::Duration),
            "How long the previous stage must have been healthy without a break.",
        ),
        Field::new(
            "windows",
            Shape::List(&Shape::Object(&WINDOW)),
            "When it may deploy.",
        ),
        Field::new(
            "conditions",
            Shape::List(&Shape::OneOf(&CONDITIONS)),
            "What must be true.",
        ),
        Field::new(
            "verify",
            Shape::List(&Shape::Object(&VERIFY)),
            "What is tried after it is healthy.",
        ),
        Field::new(
            "onFailure",
            Shape::OneOf(&["halt", "revert"]),
            "What happens when it fails; halt by default.",
        ),
        Field::new(
            "rollback",
            Shape::OneOf(&["free", "approve"]),
            "Whether a rollback here needs the approvals again; free by default.",
        ),
    ],
);

const CONDITIONS: [&str; 4] = [
    "preReleaseSucceeded",
    "attested",
    "noOpenIncident",
    "changelogPresent",
];

/// One step: everything in it is deployed together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    /// `name`, or the names of its environments joined by `+`. Unique in its list; approvals are
    /// bound to it, not to the position.
    pub id: String,
    /// Where it deploys to.
    pub environments: Vec<String>,
    /// Who has to say yes; nobody when nothing is written.
    pub approval_policy: Option<Policy>,
    /// How long the previous stage must have been healthy, in microseconds.
    pub soak_us: Option<i64>,
    /// When it may deploy.
    pub windows: Vec<Window>,
    /// What must be true.
    pub conditions: Vec<Condition>,
    /// What is tried after it is healthy.
    pub verify: Vec<Verify>,
    /// What happens when it fails.
    pub on_failure: OnFailure,
    /// Whether a rollback needs the approvals again.
    pub rollback: Rollback,
}

/// What must be true; the list is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// The version succeeded in all pre-release stages.
    PreReleaseSucceeded,
    /// The image has verified evidence.
    Attested,
    /// No incident is open.
    NoOpenIncident,
    /// A changelog was written.
    ChangelogPresent,
}

impl Condition {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 4] = [
        Self::PreReleaseSucceeded,
        Self::Attested,
        Self::NoOpenIncident,
        Self::ChangelogPresent,
    ];

    /// The word in manifests.
    pub fn as_str(self) -> &'static str {
        CONDITIONS[self as usize]
    }

    /// Parses the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens when a stage fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum OnFailure {
    /// What runs stays.
    #[default]
    Halt,
    /// The inverse is committed at once.
    Revert,
}

/// Whether a rollback needs the approvals of the stage again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rollback {
    /// A release manager and a reason are enough.
    #[default]
    Free,
    /// The policy of the stage applies.
    Approve,
}

impl Stage {
    pub(super) fn decode(node: &Node) -> Self {
        let it = Some(node);
        Self {
            id: stage_id(node),
            environments: decode::texts(it, "environments"),
            approval_policy: decode::field(it, "approvalPolicy").and_then(Policy::decode),
            soak_us: decode::duration_us(it, "soak"),
            windows: decode::items(it, "windows").map(Window::decode).collect(),
            conditions: decode::texts(it, "conditions")
                .iter()
                .filter_map(|it| Condition::parse(it))
                .collect(),
            verify: decode::items(it, "verify")
                .filter_map(Verify::decode)
                .collect(),
            on_failure: match decode::text(it, "onFailure").as_deref() {
                Some("revert") => OnFailure::Revert,
                _ => OnFailure::Halt,
            },
            rollback: match decode::text(it, "rollback").as_deref() {
                Some("approve") => Rollback::Approve,
                _ => Rollback::Free,
            },
        }
    }
}

/// Its name, or the names of its environments.
pub(super) fn stage_id(node: &Node) -> String {
    decode::text(Some(node), "name")
        .unwrap_or_else(|| decode::texts(Some(node), "environments").join("+"))
}
