//! Follow a pointer to a scalar, refusing everything on the way that would make "this one value"
//! mean more than one place.

use crate::diagnostic::{Diagnostic, shown, suggestion};
use crate::pointer::Pointer;
use crate::tree::{Node, Tree, Value};

/// One step from a node to a child, by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Item(usize),
    Value(usize),
}

/// A scalar and how it was reached.
pub(super) struct Found<'a> {
    pub(super) node: &'a Node,
    /// The key it stands behind; none for an item of a list and for a whole document.
    pub(super) key: Option<&'a Node>,
    pub(super) document: usize,
    pub(super) path: Vec<Step>,
}

/// Finds the scalar at `pointer` in the document with this index.
pub(super) fn locate<'a>(
    file: &str,
    tree: &'a Tree,
    document: usize,
    pointer: &Pointer,
) -> Result<Found<'a>, Diagnostic> {
    let root = &tree.documents[document].root;
    let walk = Walk {
        file,
        root,
        pointer,
    };
    let mut found = Found {
        node: root,
        key: None,
        document,
        path: Vec::new(),
    };
    walk.shared(root)?;
    for (depth, token) in pointer.tokens().iter().enumerate() {
        let (step, key, node) = walk.step(found.node, depth, token)?;
        walk.shared(node)?;
        found.node = node;
        found.key = key;
        found.path.push(step);
    }
    if found.node.scalar().is_none() {
        let what = format!("`{pointer}` is {}, not a single value", found.node.what());
        return Err(
            Diagnostic::new("not-a-scalar", what, file, found.node.span).maybe_help(
                children(found.node).map(|it| format!("point at one value inside it: {it}")),
            ),
        );
    }
    Ok(found)
}

struct Walk<'a, 'p> {
    file: &'p str,
    root: &'a Node,
    pointer: &'p Pointer,
}

impl<'a> Walk<'a, '_> {
    fn step(
        &self,
        node: &'a Node,
        depth: usize,
        token: &str,
    ) -> Result<(Step, Option<&'a Node>, &'a Node), Diagnostic> {
        match &node.value {
            Value::Mapping { entries, .. } => self.in_mapping(node, entries, depth, token),
            Value::Sequence { items, .. } => self.in_sequence(node, items, depth, token),
            Value::Scalar { .. } | Value::Alias(_) => {
                let what = format!(
                    "`{}` is {}, so there is no `{}` in it",
                    self.prefix(depth),
                    node.what(),
                    shown(token)
                );
                Err(Diagnostic::new(
                    "missing-pointer",
                    what,
                    self.file,
                    node.span,
                ))
            }
        }
    }

    fn in_mapping(
        &self,
        node: &'a Node,
        entries: &'a [(Node, Node)],
        depth: usize,
        token: &str,
    ) -> Result<(Step, Option<&'a Node>, &'a Node), Diagnostic> {
        let mut same = entries
            .iter()
            .enumerate()
            .filter(|(_, (key, _))| key.scalar() == Some(token));
        match (same.next(), same.next()) {
            (Some((at, (key, value))), None) => Ok((Step::Value(at), Some(key), value)),
            (Some((_, (first, _))), Some((_, (second, _)))) => Err(Diagnostic::new(
                "duplicate-key",
                format!("the key `{}` stands here twice", shown(token)),
                self.file,
                second.span,
            )
            .label(self.file, first.span, "the first one is here")
            .help("keep one of them; parsers disagree about which one counts")),
            (None, _) => Err(self.missing_key(node, entries, depth, token)),
        }
    }

    fn in_sequence(
        &self,
        node: &Node,
        items: &'a [Node],
        depth: usize,
        token: &str,
    ) -> Result<(Step, Option<&'a Node>, &'a Node), Diagnostic> {
        // RFC 6901 §4: no leading zeros and no sign.
        let canonical = token == "0" || !token.starts_with(['0', '+']);
        let index = token.parse::<usize>().ok().filter(|_| canonical);
        if let Some((at, item)) = index.and_then(|at| items.get(at).map(|it| (at, it))) {
            return Ok((Step::Item(at), None, item));
        }
        let what = format!(
            "`{}` has {} items, none with index `{}`",
            self.prefix(depth),
            items.len(),
            shown(token)
        );
        Err(
            Diagnostic::new("missing-pointer", what, self.file, node.span)
                .help("items count from 0"),
        )
    }

    fn missing_key(
        &self,
        node: &Node,
        entries: &[(Node, Node)],
        depth: usize,
        token: &str,
    ) -> Diagnostic {
        if let Some((merge, _)) = entries.iter().find(|(key, _)| key.scalar() == Some("<<")) {
            let what = format!(
                "`{}` is not written here; it could only come through the merge key",
                shown(token)
            );
            return Diagnostic::new("merged-value", what, self.file, merge.span)
                .help(format!("write `{}` out in this mapping", shown(token)));
        }
        let keys = entries.iter().filter_map(|(key, _)| key.scalar());
        let what = format!(
            "there is no `{}` in {}",
            shown(token),
            match self.prefix(depth).as_str() {
                "" => "this document".to_owned(),
                prefix => format!("`{prefix}`"),
            }
        );
        Diagnostic::new("missing-pointer", what, self.file, node.span)
            .maybe_help(suggestion(token, keys))
    }

    /// A value that is used in other places too must not be changed through one of them.
    fn shared(&self, node: &Node) -> Result<(), Diagnostic> {
        if let Value::Alias(id) = node.value {
            let mut it = Diagnostic::new(
                "alias",
                "the value here is an alias: changing it would change every place that uses it",
                self.file,
                node.span,
            )
            .help("write the value out here");
            if let Some(anchor) = find(self.root, &|it| it.anchor == id) {
                it = it.label(self.file, anchor.span, "it is defined here");
            }
            return Err(it);
        }
        if node.anchor == 0 {
            return Ok(());
        }
        match find(self.root, &|it| matches!(it.value, Value::Alias(id) if id == node.anchor)) {
            None => Ok(()),
            Some(user) => Err(Diagnostic::new(
                "anchor-in-use",
                "the value here has an anchor that is used elsewhere: changing it would change those places too",
                self.file,
                node.span,
            )
            .label(self.file, user.span, "it is used here")
            .help("write the value out where it is used, and remove the anchor")),
        }
    }

    fn prefix(&self, depth: usize) -> String {
        let mut it = Pointer::parse("").unwrap_or_else(|_| self.pointer.clone());
        for token in &self.pointer.tokens()[..depth] {
            it = it.join(token);
        }
        it.to_string()
    }
}

/// The first node, in the order of the file, for which `wanted` holds. Depth is bounded by the
/// parser.
fn find<'a>(node: &'a Node, wanted: &impl Fn(&Node) -> bool) -> Option<&'a Node> {
    if wanted(node) {
        return Some(node);
    }
    match &node.value {
        Value::Sequence { items, .. } => items.iter().find_map(|it| find(it, wanted)),
        Value::Mapping { entries, .. } => entries
            .iter()
            .find_map(|(key, value)| find(key, wanted).or_else(|| find(value, wanted))),
        Value::Scalar { .. } | Value::Alias(_) => None,
    }
}

fn children(node: &Node) -> Option<String> {
    let keys: Vec<_> = node
        .entries()?
        .iter()
        .filter_map(|(key, _)| key.scalar())
        .take(8)
        .map(shown)
        .collect();
    (!keys.is_empty()).then(|| keys.join(", "))
}
