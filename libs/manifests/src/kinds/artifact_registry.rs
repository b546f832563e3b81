//! `ArtifactRegistry`: where images are kept.

use std::sync::Arc;

use crate::decode;
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, DISPLAY_NAME, Field, Object, Shape, TEXT};
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "ArtifactRegistry",
    &[
        DESCRIPTION,
        DISPLAY_NAME,
        Field::new("format", TEXT, "What it keeps, such as DOCKER."),
        Field::new("location", TEXT, "Where it is."),
        Field::new("immutable", Shape::Bool, "Tags cannot be moved."),
        Field::new(
            "url",
            TEXT,
            "A registry of the OCI distribution spec, such as registry.example.com/team.",
        ),
        Field::new(
            "ociLayout",
            TEXT,
            "A directory in OCI image-layout form, absolute or relative to the repository.",
        ),
    ],
)
.at_most_one(&["url", "ociLayout"]);

/// Where images are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRegistry {
    /// Name, organization, place.
    pub meta: Arc<Meta>,
    /// `spec.url`: ours.
    pub url: Option<String>,
    /// `spec.ociLayout`: ours; a directory.
    pub oci_layout: Option<String>,
}

impl ArtifactRegistry {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        Self {
            meta,
            url: decode::text(spec, "url"),
            oci_layout: decode::text(spec, "ociLayout"),
        }
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        &self.meta.name
    }
}
