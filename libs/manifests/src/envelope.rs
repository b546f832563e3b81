//! What every manifest has around its `spec`: apiVersion, kind, and metadata with one key per
//! ancestor.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::Findings;
use crate::diagnostic::{Diagnostic, meant, shown, suggestion};
use crate::kinds::{KNOWN_OPAQUE, Kind, Spec, check_more};
use crate::manifest::{Manifest, Meta, Place};
use crate::references::{self, Reference};
use crate::shape::{Field, Format, Object, Shape};
use crate::tree::{Doc, Node};

static ENVELOPE: Object = Object::new(
    "manifest",
    &[
        Field::required("apiVersion", Shape::Any, "Always lowops.manifests.v1."),
        Field::required("kind", Shape::Scalar(Format::Text), "What it describes."),
        Field::required("metadata", Shape::Any, "Its name and its ancestors."),
        Field::new("spec", Shape::Any, "What it says."),
    ],
);

const NAME: Shape = Shape::Scalar(Format::Name);

/// Reads one document that claims to be ours. Without a kind or a name there is nothing to keep.
pub(crate) fn read(
    file: &Arc<str>,
    index: usize,
    doc: &Doc,
    findings: &mut Findings<'_>,
) -> Option<Manifest> {
    let root = &doc.root;
    findings.object(root, &ENVELOPE, "manifest", &[]);
    let kind_node = root.get("kind")?;
    let word = kind_node.scalar().filter(|it| !it.is_empty())?;
    let kind = Kind::parse(word);
    if kind.is_none() && mistyped(word, kind_node, findings) {
        return None;
    }
    let metadata = root.get("metadata")?;
    let mut references = Vec::new();
    read_metadata(metadata, kind, findings, &mut references)?;
    // What cannot be a name is named in a finding and can be referred to by nobody.
    let name = metadata
        .get("name")
        .filter(|it| Format::Name.check(it.scalar().unwrap_or_default()).is_ok())?;
    let meta = Arc::new(Meta {
        name: name.scalar()?.into(),
        parents: parents(metadata),
        place: Place {
            file: Arc::clone(file),
            document: index,
            span: name.span,
        },
    });
    let spec = root.get("spec").filter(|it| !it.is_null());
    match kind {
        Some(kind) => read_spec(root, spec, kind, findings, &mut references),
        None => {
            if let Some(spec) = spec {
                references::guess(spec, "spec", &mut references);
            }
        }
    }
    Some(Manifest {
        kind: word.into(),
        spec: kind.map_or(Spec::Opaque, |kind| Spec::decode(kind, &meta, spec)),
        meta,
        references,
    })
}

/// A kind nobody knows is kept, unless it is a strict one with a typing mistake.
fn mistyped(word: &str, node: &Node, findings: &mut Findings<'_>) -> bool {
    if KNOWN_OPAQUE.contains(&word) {
        return false;
    }
    let near = meant(word, Kind::ALL.iter().map(|it| it.word()));
    if let Some(near) = near {
        let what = format!("there is no kind `{}`", shown(word));
        findings.add_with(
            "unknown-kind",
            what,
            node,
            format!("did you mean `{near}`?"),
        );
    }
    near.is_some()
}

fn read_spec(
    root: &Node,
    spec: Option<&Node>,
    kind: Kind,
    findings: &mut Findings<'_>,
    references: &mut Vec<Reference>,
) {
    let shape = Shape::Object(kind.spec());
    if let Some(spec) = spec {
        findings.check(spec, &shape, "spec");
        references::collect(spec, &shape, "spec", references);
        check_more(kind, spec, findings);
    } else if kind.spec().fields.iter().any(|it| it.required) {
        findings.add("missing-field", "the manifest needs `spec`", root);
    }
}

fn parents(metadata: &Node) -> BTreeMap<String, Arc<str>> {
    metadata
        .entries()
        .unwrap_or_default()
        .iter()
        .filter(|(_, value)| !value.is_null())
        .filter_map(|(key, value)| Some((key.scalar()?.to_owned(), value.scalar()?.into())))
        .filter(|(key, _)| key != "name")
        .collect()
}

/// A name, the key of every ancestor, and nothing else. `None` when it is no mapping.
fn read_metadata(
    metadata: &Node,
    kind: Option<Kind>,
    findings: &mut Findings<'_>,
    references: &mut Vec<Reference>,
) -> Option<()> {
    let Some(entries) = metadata.entries() else {
        let what = format!(
            "`metadata` is {}, but a mapping is expected",
            metadata.what()
        );
        findings.add("wrong-type", what, metadata);
        return None;
    };
    match metadata.get("name") {
        Some(name) if !name.is_null() => findings.check(name, &NAME, "metadata.name"),
        _ => findings.add("missing-field", "`metadata` needs `name`", metadata),
    }
    for (key, value) in entries {
        let text = key.scalar().unwrap_or_default();
        let Some(parent) = Kind::of_key(text) else {
            continue;
        };
        if kind.is_none_or(|it| may_have(it, text)) && !value.is_null() {
            let shape = Shape::Ref(parent);
            let path = format!("metadata.{text}");
            findings.check(value, &shape, &path);
            references::collect(value, &shape, &path, references);
        }
    }
    if let Some(kind) = kind {
        check_keys(metadata, entries, kind, findings);
    }
    Some(())
}

fn may_have(kind: Kind, key: &str) -> bool {
    kind.parents().contains(&key) || kind.optional_parents().contains(&key)
}

/// Every key is known and stands once; no ancestor is missing.
fn check_keys(metadata: &Node, entries: &[(Node, Node)], kind: Kind, findings: &mut Findings<'_>) {
    let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
    for (key, _) in entries {
        let text = key.scalar().unwrap_or_default();
        if let Some(first) = seen.insert(text, key) {
            let what = format!("`{}` stands twice in `metadata`", shown(text));
            findings.twice("duplicate-key", what, key, first);
        }
        if text != "name" && !may_have(kind, text) {
            let known = kind
                .parents()
                .iter()
                .chain(kind.optional_parents())
                .copied();
            let what = format!("`metadata` of {kind} has no key `{}`", shown(text));
            findings.out.push(
                Diagnostic::new("unknown-field", what, findings.file, key.span)
                    .maybe_help(suggestion(text, known.chain(["name"]))),
            );
        }
    }
    for parent in kind.parents() {
        if metadata.get(parent).is_none_or(Node::is_null) {
            let of = Kind::of_key(parent).map_or(*parent, Kind::word);
            let what = format!("`metadata` of {kind} needs the parent key `{parent}`");
            let help = format!("add `{parent}: <name of the {of} it belongs to>`");
            findings.add_with("missing-parent", what, metadata, help);
        }
    }
}
