//! Reading values out of a checked node. Whatever the check refused reads as absent, so that a
//! broken manifest can still be listed next to its findings.

use std::collections::BTreeMap;

use crate::tree::Node;

/// The value of a field, when something is written.
pub(crate) fn field<'n>(node: Option<&'n Node>, name: &str) -> Option<&'n Node> {
    node?.get(name).filter(|it| !it.is_null())
}

/// A text.
pub(crate) fn text(node: Option<&Node>, name: &str) -> Option<String> {
    field(node, name)?.scalar().map(str::to_owned)
}

/// A text, or nothing at all.
pub(crate) fn text_or_empty(node: Option<&Node>, name: &str) -> String {
    text(node, name).unwrap_or_default()
}

/// A list of texts.
pub(crate) fn texts(node: Option<&Node>, name: &str) -> Vec<String> {
    items(node, name)
        .filter_map(Node::scalar)
        .map(str::to_owned)
        .collect()
}

/// The items of a list.
pub(crate) fn items<'n>(node: Option<&'n Node>, name: &str) -> impl Iterator<Item = &'n Node> {
    field(node, name)
        .and_then(Node::items)
        .unwrap_or_default()
        .iter()
}

/// `true` or `false`.
pub(crate) fn flag(node: Option<&Node>, name: &str) -> Option<bool> {
    field(node, name)?.scalar()?.parse().ok()
}

/// A whole number.
pub(crate) fn number<N: std::str::FromStr>(node: Option<&Node>, name: &str) -> Option<N> {
    field(node, name)?.scalar()?.parse().ok()
}

/// A duration in microseconds.
pub(crate) fn duration_us(node: Option<&Node>, name: &str) -> Option<i64> {
    crate::duration::parse(field(node, name)?.scalar()?).ok()
}

/// One word of a closed list.
pub(crate) fn word<T>(node: Option<&Node>, name: &str, parse: fn(&str) -> Option<T>) -> Option<T> {
    parse(field(node, name)?.scalar()?)
}

/// A mapping of texts.
pub(crate) fn text_map(node: Option<&Node>) -> BTreeMap<String, String> {
    node.and_then(Node::entries)
        .unwrap_or_default()
        .iter()
        .filter_map(|(key, value)| Some((key.scalar()?.to_owned(), value.scalar()?.to_owned())))
        .collect()
}
