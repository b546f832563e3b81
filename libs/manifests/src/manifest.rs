//! One manifest: who it is, where it stands, what it says.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::kinds::{Kind, Spec};
use crate::references::Reference;
use crate::tree::{Node, Span};

/// Who a manifest is: kind, name and ancestors. Never the path of its file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Identity {
    /// As written, such as `DeploymentConfig`.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// The other keys of `metadata`, one per ancestor.
    pub parents: BTreeMap<String, String>,
}

impl Identity {
    /// This document is that manifest.
    pub(crate) fn is_of(&self, root: &Node) -> bool {
        let metadata = root.get("metadata");
        let text = |node: Option<&Node>, key: &str| {
            node.and_then(|it| it.get(key))
                .and_then(Node::scalar)
                .map(str::to_owned)
        };
        text(Some(root), "apiVersion").as_deref() == Some(crate::API_VERSION)
            && text(Some(root), "kind").as_ref() == Some(&self.kind)
            && text(metadata, "name").as_ref() == Some(&self.name)
            && self
                .parents
                .iter()
                .all(|(key, value)| text(metadata, key).as_ref() == Some(value))
    }
}

/// `DeploymentConfig api (environment dev, project shop)`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)?;
        let parents: Vec<_> = self
            .parents
            .iter()
            .map(|(key, value)| format!("{key} {value}"))
            .collect();
        if parents.is_empty() {
            return Ok(());
        }
        write!(f, " ({})", parents.join(", "))
    }
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Path of the file.
    #[serde(serialize_with = "as_str")]
    pub file: Arc<str>,
    /// Which document of it, from 0.
    pub document: usize,
    /// Where in it.
    pub span: Span,
}

fn as_str<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.span.line, self.span.column)
    }
}

/// What all manifests have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// `metadata.name`.
    pub name: Arc<str>,
    /// The other keys of `metadata`: one per ancestor, kebab-case.
    pub parents: BTreeMap<String, Arc<str>>,
    /// Where the name is written.
    pub place: Place,
}

impl Meta {
    /// The name of the ancestor of this kind.
    pub fn parent(&self, kind: Kind) -> Option<&str> {
        self.parents.get(kind.key()).map(|it| &**it)
    }
}

/// A manifest of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// As written; a kind we do not know is kept with an opaque [`Spec`].
    pub kind: Box<str>,
    /// Name, ancestors, place.
    pub meta: Arc<Meta>,
    /// What it says.
    pub spec: Spec,
    /// Which manifests it names, its ancestors included.
    pub references: Vec<Reference>,
}

impl Manifest {
    /// Who it is.
    pub fn identity(&self) -> Identity {
        Identity {
            kind: self.kind.to_string(),
            name: self.meta.name.to_string(),
            parents: self
                .meta
                .parents
                .iter()
                .map(|(key, value)| (key.clone(), value.to_string()))
                .collect(),
        }
    }

    /// Its kind, when it is one that is read strictly.
    pub fn strict_kind(&self) -> Option<Kind> {
        Kind::parse(&self.kind)
    }
}
