//! `GithubConnection`: an organization on GitHub and how to reach it.

use std::sync::Arc;

use crate::decode;
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, DISPLAY_NAME, Field, Object, Shape, TEXT};
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "GithubConnection",
    &[
        DESCRIPTION,
        DISPLAY_NAME,
        Field::new(
            "organization",
            TEXT,
            "The name of the organization on GitHub.",
        ),
        Field::new("url", TEXT, "The server, https://github.com by default."),
        Field::new(
            "appId",
            Shape::Int(1, i64::MAX),
            "The id of the GitHub App.",
        ),
        Field::new(
            "installationId",
            Shape::Int(1, i64::MAX),
            "The id of its installation.",
        ),
    ],
);

/// An organization on GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubConnection {
    /// Name, organization, place.
    pub meta: Arc<Meta>,
    /// `spec.organization`.
    pub organization: Option<String>,
    /// `spec.url`.
    pub url: Option<String>,
}

impl GithubConnection {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        Self {
            meta,
            organization: decode::text(spec, "organization"),
            url: decode::text(spec, "url"),
        }
    }
}
