//! Environment: where applications run, and, for repositories without deployment configs, which
//! files hold their versions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::Findings;
use crate::decode;
use crate::diagnostic::shown;
use crate::kinds::Kind;
use crate::kinds::application::{TARGETS, Target};
use crate::manifest::{Meta, Place};
use crate::pointer::Pointer;
use crate::shape::{DESCRIPTION, DISPLAY_NAME, Field, Format, Object, Shape, TEXT};
use crate::template::Template;
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "Environment",
    &[
        DESCRIPTION,
        DISPLAY_NAME,
        Field::new("network", Shape::Object(&NETWORK), "Its network."),
        Field::new(
            "targetOverride",
            Shape::OneOf(&TARGETS),
            "Where applications run here, instead of their own target.",
        ),
        Field::new(
            "plainFiles",
            Shape::List(&Shape::Object(&PLAIN_FILE)),
            "Files that are no manifests and hold the version of an application.",
        ),
    ],
);

static NETWORK: Object = Object::new(
    "Network",
    &[Field::new("logs", Shape::Object(&LOGS), "Flow logs.")],
);

static LOGS: Object = Object::new(
    "NetworkLogs",
    &[
        Field::new("interval", TEXT, "How often flows are written."),
        Field::new("sampling", TEXT, "Which part of the flows is written."),
    ],
);

static PLAIN_FILE: Object = Object::new(
    "PlainFile",
    &[
        Field::required(
            "application",
            Shape::Ref(Kind::Application),
            "Whose version it holds.",
        ),
        Field::required(
            "file",
            Shape::Scalar(Format::RelativePath),
            "The file, from the root of the repository.",
        ),
        Field::required(
            "pointer",
            Shape::Scalar(Format::Pointer),
            "Where in the file: a JSON Pointer (RFC 6901).",
        ),
        Field::new(
            "value",
            Shape::Scalar(Format::Template),
            "What is written there, over {version} {image} {digest} {commit}; {version} by default.",
        ),
    ],
);

/// Where applications run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Name, unit, organization, place.
    pub meta: Arc<Meta>,
    /// `spec.displayName`.
    pub display_name: Option<String>,
    /// `spec.targetOverride`: ours. The target of every application here.
    pub target_override: Option<Target>,
    /// `spec.plainFiles`: ours.
    pub plain_files: Vec<PlainFile>,
}

/// A file that is no manifest and holds the version of one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainFile {
    /// Whose version.
    pub application: String,
    /// The file, from the root of the repository.
    pub file: String,
    /// Where in it.
    pub pointer: Pointer,
    /// What is written there.
    pub value: Template,
    /// Where this entry stands.
    pub place: Place,
}

impl Environment {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        let plain_files = decode::items(spec, "plainFiles")
            .filter_map(|it| PlainFile::decode(&meta, it))
            .collect();
        Self {
            display_name: decode::text(spec, "displayName"),
            target_override: decode::word(spec, "targetOverride", Target::parse),
            plain_files,
            meta,
        }
    }
}

impl PlainFile {
    fn decode(meta: &Meta, node: &Node) -> Option<Self> {
        let it = Some(node);
        let value = match decode::text(it, "value") {
            Some(text) => Template::parse(&text).ok()?,
            None => Template::version(),
        };
        Some(Self {
            application: decode::text(it, "application")?,
            file: decode::text(it, "file")?,
            pointer: Pointer::parse(&decode::text(it, "pointer")?).ok()?,
            value,
            place: Place {
                span: node.span,
                ..meta.place.clone()
            },
        })
    }
}

/// An application has one place, and a place has one application.
pub(super) fn check(spec: &Node, findings: &mut Findings<'_>) {
    let mut applications: BTreeMap<&str, &Node> = BTreeMap::new();
    let mut places: BTreeMap<(&str, &str), &Node> = BTreeMap::new();
    for it in decode::items(Some(spec), "plainFiles") {
        let word = |name: &str| it.get(name).and_then(Node::scalar);
        if let Some(application) = word("application")
            && let Some(first) = applications.insert(application, it)
        {
            let what = format!(
                "`{}` has two entries in `spec.plainFiles`",
                shown(application)
            );
            findings.twice("duplicate-plain-file", what, it, first);
        }
        if let Some((file, pointer)) = word("file").zip(word("pointer"))
            && let Some(first) = places.insert((file, pointer), it)
        {
            let what = format!(
                "`{}` of `{}` belongs to two applications",
                shown(pointer),
                shown(file)
            );
            findings.twice("duplicate-plain-file", what, it, first);
        }
    }
}
