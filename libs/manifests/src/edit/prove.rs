//! The proof of an edit: two trees are equal in everything except one scalar.

use crate::tree::{Node, Style, Tree, Value};

use super::locate::{Found, Step};

/// Every document, node, key, style, tag and anchor is as before, except that the scalar that was
/// found now reads `text`, written in `style`.
pub(super) fn only_this_changed(
    before: &Tree,
    after: &Tree,
    found: &Found<'_>,
    text: &str,
    style: Style,
) -> bool {
    let expected = Expected { text, style };
    before.documents.len() == after.documents.len()
        && before
            .documents
            .iter()
            .zip(&after.documents)
            .enumerate()
            .all(|(at, (a, b))| {
                let path = (at == found.document).then_some(found.path.as_slice());
                a.explicit == b.explicit && same(&a.root, &b.root, path, &expected)
            })
}

struct Expected<'a> {
    text: &'a str,
    style: Style,
}

/// `path` is `None` for everything beside the way to the changed scalar.
fn same(before: &Node, after: &Node, path: Option<&[Step]>, expected: &Expected<'_>) -> bool {
    if before.anchor != after.anchor || before.tag != after.tag {
        return false;
    }
    let below = |step: Step| {
        path.and_then(|it| it.split_first())
            .filter(|(first, _)| **first == step)
            .map(|(_, rest)| rest)
    };
    match (&before.value, &after.value) {
        (Value::Scalar { text: a, style: x }, Value::Scalar { text: b, style: y }) => match path {
            Some([]) => **b == *expected.text && *y == expected.style,
            Some(_) => false,
            None => a == b && x == y,
        },
        (Value::Sequence { items: a, flow: x }, Value::Sequence { items: b, flow: y }) => {
            x == y
                && a.len() == b.len()
                && path != Some(&[])
                && a.iter()
                    .zip(b)
                    .enumerate()
                    .all(|(at, (a, b))| same(a, b, below(Step::Item(at)), expected))
        }
        (
            Value::Mapping {
                entries: a,
                flow: x,
            },
            Value::Mapping {
                entries: b,
                flow: y,
            },
        ) => {
            x == y
                && a.len() == b.len()
                && path != Some(&[])
                && a.iter().zip(b).enumerate().all(|(at, (a, b))| {
                    same(&a.0, &b.0, None, expected)
                        && same(&a.1, &b.1, below(Step::Value(at)), expected)
                })
        }
        (Value::Alias(a), Value::Alias(b)) => a == b && path.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::locate::locate;
    use crate::parse::parse;
    use crate::pointer::Pointer;

    /// Whether the second text is the first with `/a` reading `v2`, and nothing else.
    fn proved(before: &str, after: &str) -> bool {
        let before = parse("a.yaml", before.as_bytes()).unwrap();
        let after = parse("a.yaml", after.as_bytes()).unwrap();
        let pointer = Pointer::parse("/a").unwrap();
        let found = locate("a.yaml", &before, 0, &pointer).unwrap();
        only_this_changed(&before, &after, &found, "v2", Style::Plain)
    }

    #[test]
    fn only_the_one_scalar_may_differ() {
        let before = "a: v1\nb: &x {c: [1, 'd']}\ne: *x\n";
        assert!(proved(before, "a: v2\nb: &x {c: [1, 'd']}\ne: *x\n"));
        for other in [
            before,
            "a: 'v2'\nb: &x {c: [1, 'd']}\ne: *x\n",
            "a: !t v2\nb: &x {c: [1, 'd']}\ne: *x\n",
            "a: &y v2\nb: &x {c: [1, 'd']}\ne: *x\n",
            "a: v2\nb: &x {c: [1, d]}\ne: *x\n",
            "a: v2\nb: &x {c: [1, 'd', 2]}\ne: *x\n",
            "a: v2\nb: &x\n  c: [1, 'd']\ne: *x\n",
            "a: v2\nb: {c: [1, 'd']}\ne: {c: [1, 'd']}\n",
            "a: v2\nB: &x {c: [1, 'd']}\ne: *x\n",
            "a: v2\nb: &x {c: [1, 'd']}\ne: *x\n---\n",
            "---\na: v2\nb: &x {c: [1, 'd']}\ne: *x\n",
            "a: [v2]\nb: &x {c: [1, 'd']}\ne: *x\n",
        ] {
            assert!(!proved(before, other), "{other}");
        }
    }
}
