//! A node against a [`Shape`]: everything that is wrong, each with its place.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, shown, suggestion};
use crate::shape::{Field, Format, Object, Shape};
use crate::tree::{Node, Style, Value};

/// Collects findings of one file.
pub(crate) struct Findings<'a> {
    pub(crate) file: &'a str,
    pub(crate) out: Vec<Diagnostic>,
}

impl Findings<'_> {
    pub(crate) fn add(&mut self, code: &'static str, message: impl Into<String>, node: &Node) {
        self.out
            .push(Diagnostic::new(code, message, self.file, node.span));
    }

    pub(crate) fn add_with(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        node: &Node,
        help: impl Into<String>,
    ) {
        self.out
            .push(Diagnostic::new(code, message, self.file, node.span).help(help));
    }

    /// Checks one value; `path` is how people name it, such as `spec.ports`.
    pub(crate) fn check(&mut self, node: &Node, shape: &Shape, path: &str) {
        if matches!(node.value, Value::Alias(_)) {
            self.add_with(
                "alias-in-manifest",
                format!("`{path}` is an alias; manifests are read one value at a time"),
                node,
                "write the value out here",
            );
            return;
        }
        match shape {
            Shape::Any => {}
            Shape::Scalar(format) => self.scalar(node, *format, path),
            Shape::Ref(_) => self.scalar(node, Format::Name, path),
            Shape::Bool => self.word(node, &["true", "false"], path),
            Shape::OneOf(words) => self.word(node, words, path),
            Shape::Int(min, max) => self.int(node, *min, *max, path),
            Shape::List(item) => {
                self.list(node, item, path);
            }
            Shape::NonEmpty(item) => {
                if self.list(node, item, path) == Some(0) {
                    self.add(
                        "empty-list",
                        format!("`{path}` needs at least one item"),
                        node,
                    );
                }
            }
            Shape::Map(key, value) => self.map(node, *key, value, path),
            Shape::Object(object) => self.object(node, object, path, &[]),
            Shape::Named(object) => self.named(node, object, path),
        }
    }

    fn wrong_type(&mut self, node: &Node, expected: &str, path: &str) {
        let what = format!("`{path}` is {}, but {expected} is expected", node.what());
        self.add("wrong-type", what, node);
    }

    fn scalar(&mut self, node: &Node, format: Format, path: &str) {
        let Some(text) = node.scalar() else {
            return self.wrong_type(node, "a single value", path);
        };
        if let Err(why) = format.check(text) {
            let what = format!("`{path}` {why}, not `{}`", shown(text));
            self.add("invalid-value", what, node);
        }
    }

    fn word(&mut self, node: &Node, words: &[&'static str], path: &str) {
        let Some(text) = node.scalar() else {
            return self.wrong_type(node, "a single value", path);
        };
        if !words.contains(&text) {
            let what = format!("`{path}` cannot be `{}`", shown(text));
            self.out.push(
                Diagnostic::new("invalid-value", what, self.file, node.span)
                    .maybe_help(suggestion(text, words.iter().copied())),
            );
        }
    }

    fn int(&mut self, node: &Node, min: i64, max: i64, path: &str) {
        let Value::Scalar { text, style } = &node.value else {
            return self.wrong_type(node, "a whole number", path);
        };
        let number = text.parse::<i64>().ok().filter(|_| *style == Style::Plain);
        match number {
            Some(it) if (min..=max).contains(&it) => {}
            Some(_) => {
                let range = if max == i64::MAX {
                    format!("at least {min}")
                } else {
                    format!("{min} to {max}")
                };
                let what = format!("`{path}` must be {range}, not `{text}`");
                self.add("out-of-range", what, node);
            }
            None => {
                let what = format!("`{path}` must be a whole number, not `{}`", shown(text));
                self.add("wrong-type", what, node);
            }
        }
    }

    fn list(&mut self, node: &Node, item: &Shape, path: &str) -> Option<usize> {
        let Some(items) = node.items() else {
            self.wrong_type(node, "a list", path);
            return None;
        };
        for (at, it) in items.iter().enumerate() {
            self.present(it, item, &format!("{path}[{at}]"));
        }
        Some(items.len())
    }

    /// An item or entry must hold something; only a field may be left empty.
    fn present(&mut self, node: &Node, shape: &Shape, path: &str) {
        if node.is_null() && !matches!(shape, Shape::Any) {
            self.add("missing-value", format!("`{path}` is empty"), node);
        } else {
            self.check(node, shape, path);
        }
    }

    fn map(&mut self, node: &Node, key: Format, value: &Shape, path: &str) {
        if node.entries().is_none() {
            return self.wrong_type(node, "a mapping", path);
        }
        for (name, it) in self.entries(node, path) {
            let text = name.scalar().unwrap_or_default();
            if let Err(why) = key.check(text) {
                let what = format!("the key `{}` of `{path}` {why}", shown(text));
                self.add("invalid-key", what, name);
            }
            self.present(it, value, &format!("{path}.{}", shown(text)));
        }
    }

    /// The entries of a mapping, without those that nobody can read the same way.
    fn entries<'n>(&mut self, node: &'n Node, path: &str) -> Vec<(&'n Node, &'n Node)> {
        let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
        let mut entries = Vec::new();
        for (key, value) in node.entries().unwrap_or_default() {
            let Some(text) = key.scalar() else {
                self.add(
                    "invalid-key",
                    format!("a key of `{path}` is {}", key.what()),
                    key,
                );
                continue;
            };
            if text == "<<" {
                self.add_with(
                    "merge-in-manifest",
                    format!("`{path}` uses a merge key; manifests are read one value at a time"),
                    key,
                    "write the fields out here",
                );
                continue;
            }
            if let Some(first) = seen.insert(text, key) {
                let what = format!("`{}` stands twice in `{path}`", shown(text));
                self.out.push(
                    Diagnostic::new("duplicate-key", what, self.file, key.span)
                        .label(self.file, first.span, "the first one is here")
                        .help("keep one of them; parsers disagree about which one counts"),
                );
                continue;
            }
            entries.push((key, value));
        }
        entries
    }

    /// Checks a mapping with known fields; `also` are fields somebody else reads.
    pub(crate) fn object(&mut self, node: &Node, object: &Object, path: &str, also: &[&str]) {
        if node.entries().is_none() {
            return self.wrong_type(node, "a mapping", path);
        }
        let mut present: Vec<&str> = Vec::new();
        for (key, value) in self.entries(node, path) {
            let text = key.scalar().unwrap_or_default();
            if also.contains(&text) {
                continue;
            }
            match object.field(text) {
                None => self.unknown(key, text, object.fields, path, also),
                Some(field) if value.is_null() && !matches!(field.shape, Shape::Any) => {}
                Some(field) => {
                    present.push(field.name);
                    self.check(value, &field.shape, &join(path, field.name));
                }
            }
        }
        for field in object.fields.iter().filter(|it| it.required) {
            if !present.contains(&field.name) && !also.contains(&field.name) {
                let what = format!("`{path}` needs `{}`", field.name);
                let at = node.entry(field.name).map_or(node, |(key, _)| key);
                self.add_with("missing-field", what, at, field.doc);
            }
        }
        self.alternatives(node, object, &present, path);
    }

    fn unknown(&mut self, key: &Node, text: &str, fields: &[Field], path: &str, also: &[&str]) {
        let known = fields.iter().map(|it| it.name).chain(also.iter().copied());
        let what = format!("`{path}` has no field `{}`", shown(text));
        self.out.push(
            Diagnostic::new("unknown-field", what, self.file, key.span)
                .maybe_help(suggestion(text, known)),
        );
    }

    fn alternatives(&mut self, node: &Node, object: &Object, present: &[&str], path: &str) {
        let count = |of: &[&str]| present.iter().filter(|it| of.contains(it)).count();
        let list = |of: &[&str]| of.join("`, `");
        if !object.exactly_one.is_empty() && count(object.exactly_one) != 1 {
            let what = format!(
                "`{path}` needs exactly one of `{}`",
                list(object.exactly_one)
            );
            self.add("one-of", what, node);
        }
        if count(object.at_most_one) > 1 {
            let what = format!(
                "`{path}` may have only one of `{}`",
                list(object.at_most_one)
            );
            self.add("one-of", what, node);
        }
    }

    fn named(&mut self, node: &Node, object: &Object, path: &str) {
        let mut names: Vec<(String, &Node)> = Vec::new();
        match named(node, object) {
            Named::None => return self.wrong_type(node, "a list or a mapping", path),
            Named::Objects(objects) => {
                for (at, it) in objects.into_iter().enumerate() {
                    let path = if node.items().is_some() {
                        format!("{path}[{at}]")
                    } else {
                        path.to_owned()
                    };
                    self.present(it, &Shape::Any, &path);
                    self.object(it, object, &path, &[]);
                    if let Some(name) = it.get("name").filter(|it| !it.is_null()) {
                        names.push((name.scalar().unwrap_or_default().to_owned(), name));
                    }
                }
            }
            Named::Keyed => {
                for (key, it) in self.entries(node, path) {
                    let text = key.scalar().unwrap_or_default();
                    if let Err(why) = Format::Name.check(text) {
                        self.add("invalid-key", format!("the key of `{path}` {why}"), key);
                    }
                    if !it.is_null() {
                        self.object(it, object, &join(path, text), &["name"]);
                    }
                }
            }
        }
        let mut seen: BTreeMap<&str, &Node> = BTreeMap::new();
        for (name, node) in &names {
            if let Some(first) = seen.insert(name, node) {
                let what = format!("`{}` stands twice in `{path}`", shown(name));
                self.twice("duplicate-name", what, node, first);
            }
        }
    }

    /// Something stands in two places.
    pub(crate) fn twice(&mut self, code: &'static str, message: String, node: &Node, first: &Node) {
        self.out
            .push(Diagnostic::new(code, message, self.file, node.span).label(
                self.file,
                first.span,
                "the first one is here",
            ));
    }
}

fn join(path: &str, field: &str) -> String {
    format!("{path}.{field}")
}

/// The three ways to write several named objects.
pub(crate) enum Named<'n> {
    /// Objects with a `name` field.
    Objects(Vec<&'n Node>),
    /// A mapping from name to object.
    Keyed,
    /// None of them.
    None,
}

/// Which of the three ways a node is.
pub(crate) fn named<'n>(node: &'n Node, object: &Object) -> Named<'n> {
    match &node.value {
        Value::Sequence { items, .. } => Named::Objects(items.iter().collect()),
        Value::Mapping { entries, .. } => {
            // `name: api` is a field of one object; `name: {…}` is an object called "name".
            let field = |(key, value): &(Node, Node)| {
                let known = key.scalar().is_some_and(|it| object.field(it).is_some());
                known && value.entries().is_none() && !value.is_null()
            };
            if entries.iter().any(field) {
                Named::Objects(vec![node])
            } else {
                Named::Keyed
            }
        }
        Value::Scalar { .. } | Value::Alias(_) => Named::None,
    }
}
