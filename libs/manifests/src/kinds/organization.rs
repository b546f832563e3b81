//! Organization: the root of everything.

use std::sync::Arc;

use crate::decode;
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, DISPLAY_NAME, Field, Format, Object, Shape, TEXT};
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "Organization",
    &[
        DESCRIPTION,
        DISPLAY_NAME,
        Field::new(
            "defaultRegion",
            TEXT,
            "Where things run unless they say otherwise.",
        ),
        Field::new("domain", Shape::Object(&DOMAIN), "Its domains."),
        Field::new(
            "github",
            Shape::Object(&GITHUB),
            "Its organization on GitHub.",
        ),
        Field::new(
            "permissions",
            Shape::Any,
            "Who may do what; kept as written.",
        ),
        Field::new(
            "workforceFederation",
            Shape::Any,
            "Its identity provider; kept as written.",
        ),
        Field::new("ci", Shape::Object(&CI), "What generated workflows use."),
    ],
);

static DOMAIN: Object = Object::new(
    "Domain",
    &[
        Field::new("external", TEXT, "The public domain."),
        Field::new("internal", TEXT, "The private domain."),
    ],
);

static GITHUB: Object = Object::new(
    "Github",
    &[Field::new(
        "organization",
        TEXT,
        "The name of the organization.",
    )],
);

static CI: Object = Object::new(
    "Ci",
    &[Field::new(
        "towpathImage",
        Shape::Scalar(Format::Text),
        "The image generated workflows run, named by digest.",
    )],
);

/// The root of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Name and place.
    pub meta: Arc<Meta>,
    /// `spec.defaultRegion`.
    pub default_region: Option<String>,
    /// `spec.github.organization`.
    pub github: Option<String>,
    /// `spec.ci.towpathImage`: ours.
    pub towpath_image: Option<String>,
}

impl Organization {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        Self {
            meta,
            default_region: decode::text(spec, "defaultRegion"),
            github: decode::text(decode::field(spec, "github"), "organization"),
            towpath_image: decode::text(decode::field(spec, "ci"), "towpathImage"),
        }
    }
}
