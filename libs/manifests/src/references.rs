//! Which other manifests a manifest names, read from the shape of its kind.

use std::sync::Arc;

use crate::check::{Named, named};
use crate::kinds::Kind;
use crate::shape::{Object, Shape};
use crate::tree::{Node, Span};

/// "This manifest names that one."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The kind of what is named.
    pub kind: Kind,
    /// Its name.
    pub name: Arc<str>,
    /// Where it is named: `spec.buildDefinition`, `metadata.application-set`.
    pub field: String,
    /// The place of the name.
    pub span: Span,
}

/// Collects the references in `node`.
pub(crate) fn collect(node: &Node, shape: &Shape, path: &str, out: &mut Vec<Reference>) {
    match shape {
        Shape::Ref(kind) => {
            if let Some(name) = node.scalar().filter(|it| !it.is_empty()) {
                out.push(Reference {
                    kind: *kind,
                    name: name.into(),
                    field: path.to_owned(),
                    span: node.span,
                });
            }
        }
        Shape::List(item) | Shape::NonEmpty(item) => {
            for it in node.items().unwrap_or_default() {
                collect(it, item, path, out);
            }
        }
        Shape::Map(_, value) => {
            for (_, it) in node.entries().unwrap_or_default() {
                collect(it, value, path, out);
            }
        }
        Shape::Object(object) => fields(node, object, path, out),
        Shape::Named(object) => match named(node, object) {
            Named::Objects(objects) => {
                for it in objects {
                    fields(it, object, path, out);
                }
            }
            Named::Keyed => {
                for (_, it) in node.entries().unwrap_or_default() {
                    fields(it, object, path, out);
                }
            }
            Named::None => {}
        },
        Shape::Scalar(_) | Shape::Bool | Shape::Int(..) | Shape::OneOf(_) | Shape::Any => {}
    }
}

fn fields(node: &Node, object: &Object, path: &str, out: &mut Vec<Reference>) {
    for (key, value) in node.entries().unwrap_or_default() {
        if let Some(field) = key.scalar().and_then(|it| object.field(it))
            && !value.is_null()
        {
            collect(value, &field.shape, &format!("{path}.{}", field.name), out);
        }
    }
}

/// References of a manifest that is kept opaque: fields that are called like a kind. They join
/// the graph where they resolve, and are never an error.
pub(crate) fn guess(node: &Node, path: &str, out: &mut Vec<Reference>) {
    if let Some(items) = node.items() {
        for it in items {
            guess(it, path, out);
        }
    }
    for (key, value) in node.entries().unwrap_or_default() {
        let Some(name) = key.scalar() else { continue };
        let path = format!("{path}.{name}");
        match (Kind::of_field(name), value.scalar(), value.items()) {
            (Some(kind), Some(_), _) => collect(value, &Shape::Ref(kind), &path, out),
            (Some(kind), None, Some(items)) => {
                for it in items {
                    collect(it, &Shape::Ref(kind), &path, out);
                }
            }
            _ => guess(value, &path, out),
        }
    }
}
