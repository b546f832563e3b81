//! `OrganizationalUnit`: a part of an organization that owns environments and tracks.

use std::sync::Arc;

use crate::decode;
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, DISPLAY_NAME, Field, Object, Shape};
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "OrganizationalUnit",
    &[
        DESCRIPTION,
        DISPLAY_NAME,
        Field::new(
            "permissions",
            Shape::Any,
            "Who may do what; kept as written.",
        ),
    ],
);

/// A part of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationalUnit {
    /// Name, organization, place.
    pub meta: Arc<Meta>,
    /// `spec.displayName`.
    pub display_name: Option<String>,
}

impl OrganizationalUnit {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        Self {
            meta,
            display_name: decode::text(spec, "displayName"),
        }
    }
}
