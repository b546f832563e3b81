//! Project: a part of an environment, with its own network and accounts.

use std::sync::Arc;

use crate::decode;
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, DISPLAY_NAME, Field, Object, Shape, TEXT};
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "Project",
    &[
        DESCRIPTION,
        DISPLAY_NAME,
        Field::new("defaultUrlRedirect", TEXT, "Where requests for nothing go."),
        Field::new(
            "maintenance",
            Shape::Object(&MAINTENANCE),
            "When maintenance is allowed.",
        ),
        Field::new(
            "allowedEgress",
            Shape::List(&Shape::Any),
            "Where it may connect to; kept as written.",
        ),
    ],
);

static MAINTENANCE: Object = Object::new(
    "Maintenance",
    &[
        Field::new("start", TEXT, "When it begins."),
        Field::new("end", TEXT, "When it ends."),
    ],
);

/// A part of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Name, environment, place.
    pub meta: Arc<Meta>,
    /// `spec.displayName`.
    pub display_name: Option<String>,
}

impl Project {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        Self {
            meta,
            display_name: decode::text(spec, "displayName"),
        }
    }
}
