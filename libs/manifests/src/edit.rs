//! Replace exactly the bytes of one scalar, prove that nothing else changed, or refuse.
//!
//! The file is never written anew from a model of it: comments, quotes, line endings, order and
//! the missing final newline stay because their bytes are not touched. After the splice the file
//! is parsed again and compared with the tree before; if any node differs except the one meant,
//! nothing is returned.

mod locate;
mod mark;
mod prove;
mod write;

use crate::diagnostic::{Diagnostic, shown};
use crate::manifest::Identity;
use crate::parse::{parse, span_at};
use crate::pointer::Pointer;
use crate::queries::Location;
use crate::template::Values;
use crate::tree::{Node, Span, Style, Tree, Value};

use locate::{Found, locate};

pub use mark::{first_difference, without_version};

/// Which document of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// The only one; a file with several is refused.
    Only,
    /// By position, from 0.
    Index(usize),
    /// The manifest with this identity, wherever it stands in the file.
    Identity(Identity),
}

/// What an edit did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The version that stood there; `None` when nothing was deployed yet, or when the template
    /// does not hold the version.
    pub previous: Option<String>,
    /// Whether any byte differs.
    pub changed: bool,
}

/// Replaces the scalar at `pointer` by `value`; equal text changes nothing.
///
/// The kind of quotes stays. Without quotes before, the new text gets double quotes only where a
/// YAML 1.1 or 1.2 parser would not read it as a text. In JSON it always becomes a string.
///
/// Refused, with the place: aliases and anchored values that are used elsewhere, values that
/// come through a merge key, duplicate keys on the path, block scalars, tagged values, lists and
/// mappings, a pointer that leads nowhere, and files that do not parse.
pub fn set_scalar(
    file: &str,
    bytes: &[u8],
    document: &Document,
    pointer: &Pointer,
    value: &str,
) -> Result<Vec<u8>, Diagnostic> {
    let opened = Opened::open(file, bytes)?;
    let found = opened.find(document, pointer)?;
    opened.set(&found, value)
}

/// The text of the scalar at `pointer`; `None` when nothing is there (`key:`, `null`, `""`).
pub fn current_scalar(
    file: &str,
    bytes: &[u8],
    document: &Document,
    pointer: &Pointer,
) -> Result<Option<String>, Diagnostic> {
    let opened = Opened::open(file, bytes)?;
    let found = opened.find(document, pointer)?;
    Ok(current(found.node).map(str::to_owned))
}

/// The version that stands where `location` says: `None` when nothing was deployed yet. A value
/// that the template did not write is refused.
///
/// For a template without `{version}` this is `None` too: such a file does not know it.
pub fn current_version(
    file: &str,
    bytes: &[u8],
    location: &Location,
) -> Result<Option<String>, Diagnostic> {
    let opened = Opened::open(file, bytes)?;
    let found = opened.find(&location.document, &location.pointer)?;
    opened.version(&found, location)
}

/// Writes a version where `location` says, after checking that what stands there was written by
/// the same template.
pub fn set_version(
    file: &str,
    bytes: &[u8],
    location: &Location,
    values: &Values,
) -> Result<Edited, Diagnostic> {
    let opened = Opened::open(file, bytes)?;
    let found = opened.find(&location.document, &location.pointer)?;
    let text = location
        .template
        .render(values)
        .map_err(|why| Diagnostic::new("value", why, file, found.node.span))?;
    let previous = opened.version(&found, location)?;
    let bytes = opened.set(&found, &text)?;
    Ok(Edited {
        changed: bytes != opened.bytes,
        bytes,
        previous,
    })
}

/// What a scalar holds now; nothing, `null` and `""` are all "not set yet".
fn current(node: &Node) -> Option<&str> {
    if node.is_null() {
        return None;
    }
    node.scalar().filter(|it| !it.is_empty())
}

/// A file that is going to be read or edited.
struct Opened<'a> {
    file: &'a str,
    bytes: &'a [u8],
    tree: Tree,
    json: bool,
}

impl<'a> Opened<'a> {
    fn open(file: &'a str, bytes: &'a [u8]) -> Result<Self, Diagnostic> {
        let tree = parse(file, bytes)?;
        let json = is_json(file, bytes)?;
        Ok(Self {
            file,
            bytes,
            tree,
            json,
        })
    }

    fn find(&self, document: &Document, pointer: &Pointer) -> Result<Found<'_>, Diagnostic> {
        let index = self.document(document)?;
        locate(self.file, &self.tree, index, pointer)
    }

    /// The position of the document meant.
    fn document(&self, document: &Document) -> Result<usize, Diagnostic> {
        let documents = &self.tree.documents;
        let written = |it: &Node| !(it.is_null() && it.span.start == it.span.end);
        match document {
            Document::Only => {
                let mut full = (0..documents.len()).filter(|it| written(&documents[*it].root));
                match (full.next(), full.next()) {
                    (Some(only), None) => Ok(only),
                    (None, _) => {
                        let what = "the file holds nothing";
                        Err(Diagnostic::of_file("empty-file", what, self.file))
                    }
                    (Some(_), Some(second)) => Err(Diagnostic::new(
                        "ambiguous-document",
                        "the file holds several documents, and which one is meant was not said",
                        self.file,
                        documents[second].span,
                    )
                    .help("keep one document per file, or name the document")),
                }
            }
            Document::Index(index) if *index < documents.len() => Ok(*index),
            Document::Index(index) => {
                let what = format!(
                    "the file has {} documents, none with index {index}",
                    documents.len()
                );
                Err(Diagnostic::of_file("missing-document", what, self.file))
            }
            Document::Identity(identity) => self.document_of(identity),
        }
    }

    fn document_of(&self, identity: &Identity) -> Result<usize, Diagnostic> {
        let documents = &self.tree.documents;
        let mut all = (0..documents.len()).filter(|it| identity.is_of(&documents[*it].root));
        match (all.next(), all.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => {
                let what = format!("{identity} is not in this file");
                Err(Diagnostic::of_file("missing-document", what, self.file)
                    .help("it was moved or removed since the manifests were read; read them again"))
            }
            (Some(first), Some(second)) => Err(Diagnostic::new(
                "duplicate-identity",
                format!("{identity} is in this file twice"),
                self.file,
                documents[second].root.span,
            )
            .label(
                self.file,
                documents[first].root.span,
                "the first one is here",
            )),
        }
    }

    fn version(
        &self,
        found: &Found<'_>,
        location: &Location,
    ) -> Result<Option<String>, Diagnostic> {
        let Some(current) = current(found.node) else {
            return Ok(None);
        };
        let template = &location.template;
        let captured = template.matches(current).ok_or_else(|| {
            let what = format!(
                "`{}` is not what the template `{template}` writes, so it is left alone",
                shown(current)
            );
            self.refuse("template-mismatch", what, found.node.span)
                .help(format!(
                    "change the template, or set `{}` once by hand to a value of its form",
                    location.pointer
                ))
        })?;
        Ok(captured.version)
    }

    fn set(&self, found: &Found<'_>, value: &str) -> Result<Vec<u8>, Diagnostic> {
        let style = match &found.node.value {
            Value::Scalar { style, .. } => *style,
            // `locate` returns scalars only.
            Value::Sequence { .. } | Value::Mapping { .. } | Value::Alias(_) => Style::Block,
        };
        if found.node.scalar() == Some(value) && style != Style::Block {
            return Ok(self.bytes.to_vec());
        }
        let splice = write::splice(self, found, style, value)?;
        let mut after = Vec::with_capacity(self.bytes.len() + splice.text.len());
        after.extend_from_slice(&self.bytes[..splice.range.start]);
        after.extend_from_slice(splice.text.as_bytes());
        after.extend_from_slice(&self.bytes[splice.range.end..]);
        let proved = parse(self.file, &after).is_ok_and(|tree| {
            prove::only_this_changed(&self.tree, &tree, found, value, splice.style)
        }) && (!self.json || is_json(self.file, &after).unwrap_or(false));
        if proved {
            return Ok(after);
        }
        let what = format!(
            "writing `{}` here would change more than this value",
            shown(value)
        );
        Err(self
            .refuse("unprovable-edit", what, found.node.span)
            .help("put the value in quotes in the file, then try again"))
    }

    fn refuse(&self, code: &'static str, message: impl Into<String>, span: Span) -> Diagnostic {
        Diagnostic::new(code, message, self.file, span)
    }
}

/// A `.json` file must be JSON; another file is JSON when it begins like it and parses as it.
fn is_json(file: &str, bytes: &[u8]) -> Result<bool, Diagnostic> {
    let named = std::path::Path::new(file)
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("json"));
    let body = bytes.strip_prefix(crate::parse::BOM).unwrap_or(bytes);
    let looks = body
        .iter()
        .find(|b| !b.is_ascii_whitespace())
        .is_some_and(|b| matches!(b, b'{' | b'['));
    if !named && !looks {
        return Ok(false);
    }
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => Ok(true),
        Err(_) if !named => Ok(false),
        Err(error) => {
            let line_start: usize = body
                .split_inclusive(|b| *b == b'\n')
                .take(error.line().saturating_sub(1))
                .map(<[u8]>::len)
                .sum();
            let at = line_start + error.column().saturating_sub(1) + (bytes.len() - body.len());
            let span = span_at(bytes, at);
            let what = format!("a file named .json must be JSON: {error}");
            Err(Diagnostic::new("not-json", what, file, span)
                .help("comments and trailing commas are not JSON; name the file .yaml to use them"))
        }
    }
}
