//! `ApplicationSet`: applications that are released together.

use std::sync::Arc;

use ids::ReleaseType;

use crate::decode;
use crate::kinds::Kind;
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, Field, Object, Shape};
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "ApplicationSet",
    &[
        DESCRIPTION,
        Field::new(
            "preReleaseFrom",
            Shape::NonEmpty(&Shape::OneOf(&["LATEST", "ALPHA", "BETA"])),
            "Which builds enter the pre-release stages; [LATEST] by default, [ALPHA] under GIT_FLOW.",
        ),
    ],
);

/// Applications that are released together. Membership is `metadata.application-set` of the
/// applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationSet {
    /// Name, track, unit, place.
    pub meta: Arc<Meta>,
    /// `spec.preReleaseFrom`: ours.
    pub pre_release_from: Vec<ReleaseType>,
}

impl ApplicationSet {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        let mut pre_release_from: Vec<ReleaseType> = decode::texts(spec, "preReleaseFrom")
            .iter()
            .filter_map(|it| it.parse().ok())
            .collect();
        if pre_release_from.is_empty() {
            pre_release_from.push(ReleaseType::Latest);
        }
        Self {
            meta,
            pre_release_from,
        }
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        &self.meta.name
    }

    /// `metadata.release-track`.
    pub fn release_track(&self) -> &str {
        self.meta.parent(Kind::ReleaseTrack).unwrap_or_default()
    }
}
