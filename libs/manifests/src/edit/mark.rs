//! What a promotion leaves alone: everything around the version, as bytes that can be compared.

use super::locate::{Found, Step};
use super::{Document, Opened, write};
use crate::diagnostic::{Diagnostic, shown};
use crate::parse::parse;
use crate::pointer::Pointer;
use crate::queries::Location;
use crate::tree::{Node, Value};

/// Stands where the version stood. Part of every plan digest: it never changes.
const MARKER: &str = "<version>";

/// The configuration that runs beside the version at `location`, with the version replaced by a
/// fixed marker: the whole file of a manifest; of a plain file the object that the pointer leads
/// into. Whatever a promotion writes there, the bytes stay the same.
pub fn without_version(
    file: &str,
    bytes: &[u8],
    location: &Location,
) -> Result<Vec<u8>, Diagnostic> {
    let opened = Opened::open(file, bytes)?;
    let found = opened.find(&location.document, &location.pointer)?;
    let around = match location.document {
        Document::Identity(_) => 0..bytes.len(),
        Document::Only | Document::Index(_) => object_around(&opened, &found),
    };
    let mut range = found.node.span.range();
    let mut text = MARKER.to_owned();
    if range.is_empty() {
        // Written as a promotion would write it: right behind the colon.
        let splice = write::splice(&opened, &found, crate::tree::Style::Plain, "v")?;
        range = splice.range;
        text.insert(0, ' ');
    }
    let (begin, end) = (around.start.min(range.start), around.end.max(range.end));
    Ok([
        &bytes[begin..range.start],
        text.as_bytes(),
        &bytes[range.end..end],
    ]
    .concat())
}

/// The bytes of the mapping or list that holds the scalar.
fn object_around(opened: &Opened<'_>, found: &Found<'_>) -> std::ops::Range<usize> {
    let mut node = &opened.tree.documents[found.document].root;
    let above = found.path.len().saturating_sub(1);
    for step in &found.path[..above] {
        let next = match (&node.value, step) {
            (Value::Sequence { items, .. }, Step::Item(at)) => items.get(*at),
            (Value::Mapping { entries, .. }, Step::Value(at)) => entries.get(*at).map(|it| &it.1),
            _ => None,
        };
        node = next.unwrap_or(node);
    }
    node.span.range()
}

/// The first field in which two states of a file differ, the one at `location` left out: a
/// pointer, with the document's number when there are several. `None` when only comments or
/// layout do, or when one of them does not parse.
pub fn first_difference(
    file: &str,
    before: &[u8],
    after: &[u8],
    location: &Location,
) -> Option<String> {
    let (old, new) = (parse(file, before).ok()?, parse(file, after).ok()?);
    let root = Pointer::parse("").ok()?;
    let count = old.documents.len().max(new.documents.len());
    for at in 0..count {
        let place = |pointer: &str| {
            let pointer = if pointer.is_empty() { "/" } else { pointer };
            if count == 1 {
                pointer.to_owned()
            } else {
                format!("{pointer} of document {}", at + 1)
            }
        };
        match (old.documents.get(at), new.documents.get(at)) {
            (Some(a), Some(b)) => {
                if let Some(pointer) = differs(&a.root, &b.root, &root, &location.pointer) {
                    return Some(place(pointer.as_str()));
                }
            }
            _ => return Some(place("")),
        }
    }
    None
}

fn differs(a: &Node, b: &Node, at: &Pointer, skip: &Pointer) -> Option<Pointer> {
    if at == skip {
        return None;
    }
    if let (Some(old), Some(new)) = (a.entries(), b.entries()) {
        return in_mapping(old, new, at, skip);
    }
    if let (Some(old), Some(new)) = (a.items(), b.items()) {
        for (index, (a, b)) in old.iter().zip(new).enumerate() {
            let found = differs(a, b, &at.join(&index.to_string()), skip);
            if found.is_some() {
                return found;
            }
        }
        let shorter = old.len().min(new.len());
        return (old.len() != new.len()).then(|| at.join(&shorter.to_string()));
    }
    let is_container = |it: &Node| it.entries().is_some() || it.items().is_some();
    let is_same = !is_container(a) && !is_container(b) && (&a.value, &a.tag) == (&b.value, &b.tag);
    (!is_same).then(|| at.clone())
}

fn in_mapping(
    old: &[(Node, Node)],
    new: &[(Node, Node)],
    at: &Pointer,
    skip: &Pointer,
) -> Option<Pointer> {
    let key = |node: &Node| node.scalar().map_or_else(|| "?".to_owned(), shown);
    let value = |entries: &'_ [(Node, Node)], name: &str| {
        entries.iter().position(|(it, _)| key(it) == name)
    };
    for (name, before) in old {
        let name = key(name);
        let below = at.join(&name);
        match value(new, &name) {
            Some(found) => {
                let found = differs(before, &new[found].1, &below, skip);
                if found.is_some() {
                    return found;
                }
            }
            None => return Some(below),
        }
    }
    new.iter()
        .map(|(name, _)| key(name))
        .find(|name| value(old, name).is_none())
        .map(|name| at.join(&name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Place;
    use crate::set_version;
    use crate::template::{Template, Values};
    use crate::tree::Span;

    fn plain(pointer: &str) -> Location {
        Location {
            file: "values.yaml".into(),
            document: Document::Only,
            pointer: Pointer::parse(pointer).unwrap(),
            template: Template::version(),
            declared: Place {
                file: "env.yaml".into(),
                document: 0,
                span: Span::START,
            },
        }
    }

    fn written(file: &str, text: &str, version: &str, location: &Location) -> Vec<u8> {
        let values = Values {
            version: version.to_owned(),
            image: None,
            digest: None,
            commit: None,
        };
        set_version(file, text.as_bytes(), location, &values)
            .unwrap()
            .bytes
    }

    #[test]
    fn whatever_a_promotion_writes_the_rest_stays_the_same() {
        let location = plain("/api/tag");
        for text in [
            "api:\n  tag: # set by deployments\n  cpu: 1\nother: 2\n",
            "api:\n  tag: v1 # set by deployments\n  cpu: 1\nother: 2\n",
            "api: { cpu: 1, tag: 'v1' }\n",
        ] {
            let before = without_version("values.yaml", text.as_bytes(), &location).unwrap();
            for version in ["v2", "1.0", "2026.11.20-very-long", "null"] {
                let after = written("values.yaml", text, version, &location);
                let after = without_version("values.yaml", &after, &location).unwrap();
                assert_eq!(
                    String::from_utf8(after).unwrap(),
                    String::from_utf8(before.clone()).unwrap()
                );
            }
        }
    }

    #[test]
    fn of_a_plain_file_only_the_object_around_counts() {
        let location = plain("/api/tag");
        let marked = |text: &str| {
            String::from_utf8(without_version("values.yaml", text.as_bytes(), &location).unwrap())
                .unwrap()
        };
        let before = marked("api:\n  tag: v1\n  cpu: 1\nother: 2\n");
        assert_eq!(before, marked("api:\n  tag: v1\n  cpu: 1\nother: 3\n"));
        assert_ne!(before, marked("api:\n  tag: v1\n  cpu: 2\nother: 2\n"));
    }

    #[test]
    fn the_first_field_that_differs_is_named() {
        let location = plain("/api/tag");
        let named = |before: &str, after: &str| {
            first_difference("a.yaml", before.as_bytes(), after.as_bytes(), &location)
        };
        let text = "api:\n  tag: v1\n  env: [a, b]\n";
        assert_eq!(named(text, "api:\n  tag: v2\n  env: [a, b]\n"), None);
        assert_eq!(named(text, "api:\n  tag: v1 # x\n  env: [a, b]\n"), None);
        for (after, pointer) in [
            ("api:\n  tag: v1\n  env: [a, c]\n", "/api/env/1"),
            ("api:\n  tag: v1\n  env: [a]\n", "/api/env/1"),
            ("api:\n  tag: v1\n  env: [a, b]\n  cpu: 1\n", "/api/cpu"),
            ("api:\n  tag: v1\n", "/api/env"),
        ] {
            assert_eq!(named(text, after).as_deref(), Some(pointer));
        }
        assert_eq!(
            named(text, "api:\n  tag: v1\n  env: [a, b]\n---\nb: 1\n").as_deref(),
            Some("/ of document 2")
        );
    }
}
