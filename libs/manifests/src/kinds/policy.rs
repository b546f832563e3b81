//! Approval policies: who has to say yes.
//!
//! A node is a stakeholder, `anyOf` or `allOf`. A stakeholder is satisfied by so many distinct
//! persons of a group; `anyOf` by so many distinct persons over its children; `allOf` by an
//! assignment of distinct persons to all children.

use serde::Serialize;

use crate::decode;
use crate::shape::{Field, Object, Shape, TEXT};
use crate::tree::Node;

pub(super) static POLICY: Object = Object::new(
    "ApprovalPolicy",
    &[
        Field::new(
            "stakeholder",
            Shape::Object(&STAKEHOLDER),
            "A group or a person.",
        ),
        Field::new(
            "minApprovals",
            APPROVALS,
            "How many persons of the group; 1 by default.",
        ),
        Field::new(
            "anyOf",
            Shape::Object(&ANY_OF),
            "So many persons over these policies.",
        ),
        Field::new(
            "allOf",
            Shape::Object(&ALL_OF),
            "Every one of these policies, each by its own persons.",
        ),
    ],
)
.exactly_one(&["stakeholder", "anyOf", "allOf"]);

static STAKEHOLDER: Object = Object::new(
    "Stakeholder",
    &[
        Field::new(
            "groupEmail",
            TEXT,
            "A group, by its e-mail address or name.",
        ),
        Field::new("userEmail", TEXT, "A person, by e-mail address or name."),
    ],
)
.exactly_one(&["groupEmail", "userEmail"]);

static ANY_OF: Object = Object::new(
    "AnyOf",
    &[
        Field::new("minApprovals", APPROVALS, "How many persons; 1 by default."),
        Field::required(
            "policies",
            Shape::NonEmpty(&Shape::Object(&POLICY)),
            "Who may say yes.",
        ),
    ],
);

static ALL_OF: Object = Object::new(
    "AllOf",
    &[Field::required(
        "policies",
        Shape::NonEmpty(&Shape::Object(&POLICY)),
        "Who must say yes.",
    )],
);

const APPROVALS: Shape = Shape::Int(1, 100);

/// Who has to say yes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Policy {
    /// `min` distinct persons of one group, or one person.
    Stakeholder {
        /// Who.
        who: Stakeholder,
        /// How many.
        min: u32,
    },
    /// `min` distinct persons over all of these.
    AnyOf {
        /// How many.
        min: u32,
        /// Who.
        policies: Vec<Self>,
    },
    /// All of these, each by persons of its own.
    AllOf {
        /// Who.
        policies: Vec<Self>,
    },
}

/// A group or a person.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Stakeholder {
    /// Members of this group.
    Group(String),
    /// This person.
    User(String),
}

impl Policy {
    /// The groups it names, with repeats.
    pub fn groups(&self) -> Vec<&str> {
        match self {
            Self::Stakeholder {
                who: Stakeholder::Group(group),
                ..
            } => vec![group],
            Self::Stakeholder {
                who: Stakeholder::User(_),
                ..
            } => vec![],
            Self::AnyOf { policies, .. } | Self::AllOf { policies } => {
                policies.iter().flat_map(Self::groups).collect()
            }
        }
    }

    /// Nothing for a node the check refused.
    pub(super) fn decode(node: &Node) -> Option<Self> {
        let it = Some(node);
        let policies = |of: &Node| {
            decode::items(Some(of), "policies")
                .map(Self::decode)
                .collect::<Option<Vec<_>>>()
        };
        if let Some(any) = decode::field(it, "anyOf") {
            return Some(Self::AnyOf {
                min: decode::number(Some(any), "minApprovals").unwrap_or(1),
                policies: policies(any)?,
            });
        }
        if let Some(all) = decode::field(it, "allOf") {
            return Some(Self::AllOf {
                policies: policies(all)?,
            });
        }
        let who = decode::field(it, "stakeholder");
        let who = match decode::text(who, "groupEmail") {
            Some(group) => Stakeholder::Group(group),
            None => Stakeholder::User(decode::text(who, "userEmail")?),
        };
        Some(Self::Stakeholder {
            who,
            min: decode::number(it, "minApprovals").unwrap_or(1),
        })
    }
}
