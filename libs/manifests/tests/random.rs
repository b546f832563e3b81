//! Random trees and hostile bytes: an edit changes one scalar or refuses, and nothing panics.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the finding")]

use manifests::tree::{Node, Value};
use manifests::{Cache, Document, Graph, Pointer, parse, set_scalar};
use proptest::prelude::*;

/// Any JSON value without duplicate keys, of the kind that configuration holds.
fn value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i32>().prop_map(Into::into),
        text().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(text(), inner, 1..6)
                .prop_map(|it| serde_json::Value::Object(it.into_iter().collect())),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "v[0-9]{1,2}\\.[0-9]{1,2}",
        "[0-9]{1,3}(\\.[0-9]{1,3})?",
        "[ -~]{1,12}",
        "\\PC{1,6}",
        Just("on".to_owned()),
        Just("2026-01-01".to_owned()),
        Just("a\nb\n".to_owned()),
    ]
}

fn scalars(node: &Node, at: &Pointer, out: &mut Vec<Pointer>) {
    match &node.value {
        Value::Scalar { .. } | Value::Alias(_) => out.push(at.clone()),
        Value::Sequence { items, .. } => {
            for (index, it) in items.iter().enumerate() {
                scalars(it, &at.join(&index.to_string()), out);
            }
        }
        Value::Mapping { entries, .. } => {
            for (key, it) in entries {
                // No pointer leads below a key that is a list or a map: `[a]: b`.
                if let Some(key) = key.scalar() {
                    scalars(it, &at.join(key), out);
                }
            }
        }
    }
}

/// What the model says the file holds after the edit.
fn expected(tree: &serde_json::Value, pointer: &Pointer, new: &str) -> serde_json::Value {
    let mut tree = tree.clone();
    *tree
        .pointer_mut(pointer.as_str())
        .expect("the pointer came from this tree") = new.into();
    tree
}

/// Edits one scalar; `None` when it was refused.
fn edit(file: &str, text: &str, pick: usize, new: &str) -> Option<(Pointer, Vec<u8>)> {
    let tree = parse(file, text.as_bytes()).ok()?;
    let mut pointers = Vec::new();
    scalars(
        &tree.documents.first()?.root,
        &Pointer::parse("").unwrap(),
        &mut pointers,
    );
    let pointer = pointers.get(pick % pointers.len().max(1))?;
    let after = set_scalar(file, text.as_bytes(), &Document::Only, pointer, new).ok()?;
    Some((pointer.clone(), after))
}

/// What ended a line in YAML 1.1 is text in 1.2.
#[test]
fn separators_of_unicode_are_text() {
    for separator in ['\u{85}', '\u{2028}', '\u{2029}'] {
        let text = format!("'{separator}': a{separator}b\n");
        let tree = parse("a.yaml", text.as_bytes()).unwrap();
        let mut pointers = Vec::new();
        let root = Pointer::parse("").unwrap();
        scalars(&tree.documents[0].root, &root, &mut pointers);
        assert_eq!(pointers, [root.join(&separator.to_string())]);
        let after = set_scalar(
            "a.yaml",
            text.as_bytes(),
            &Document::Only,
            &pointers[0],
            "c",
        );
        assert_eq!(after.unwrap(), format!("'{separator}': c\n").as_bytes());
    }
}

#[test]
fn below_a_key_that_is_no_text_nothing_is_edited() {
    for text in ["[a]: b\nc: d\n", "? {a: b}\n: c\n", "[a]:"] {
        for pointer in ["/a", "/0", "/[a]", "/", "/c/0"] {
            let pointer = Pointer::parse(pointer).unwrap();
            let done = set_scalar("a.yaml", text.as_bytes(), &Document::Only, &pointer, "x");
            assert!(done.is_err(), "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_random_json_file_changes_in_one_scalar(tree in value(), pick in any::<usize>(), new in text(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&tree) } else { serde_json::to_string(&tree) }.unwrap();
        if let Some((pointer, after)) = edit("a.json", &text, pick, &new) {
            let now: serde_json::Value = serde_json::from_slice(&after).unwrap();
            prop_assert_eq!(now, expected(&tree, &pointer, &new));
        }
    }

    #[test]
    fn a_random_yaml_file_changes_in_one_scalar(tree in value(), pick in any::<usize>(), new in text(), crlf in any::<bool>()) {
        let mut text = yaml_serde::to_string(&tree).unwrap();
        if crlf && !text.contains('|') {
            text = text.replace('\n', "\r\n");
        }
        // Lines end with these in YAML 1.1, which the judge reads, and not in 1.2, which is read
        // here: to both the file holds something else. <https://yaml.org/spec/1.2.2/#54-line-break-characters>
        prop_assume!(!text.contains(['\u{85}', '\u{2028}', '\u{2029}']));
        // The judge must agree with the model before the edit, or it cannot judge after it.
        let model: Result<serde_json::Value, _> = yaml_serde::from_str(&text);
        prop_assume!(model.is_ok_and(|it| it == tree));
        if let Some((pointer, after)) = edit("a.yaml", &text, pick, &new) {
            let after = String::from_utf8(after).unwrap();
            let now: serde_json::Value = yaml_serde::from_str(&after).unwrap();
            prop_assert_eq!(now, expected(&tree, &pointer, &new), "{}", after);
        }
    }

    #[test]
    fn hostile_text_never_panics(text in "[-a-z0-9:{}\\[\\],&*!|>'\"%@#? \t\r\n\u{feff}ü\\\\]{0,80}", new in text()) {
        for pick in 0..3 {
            edit("a.yaml", &text, pick, &new);
            edit("a.json", &text, pick, &new);
        }
        let folders = ["envs/a.yaml", "values.yaml", "prod/kustomization.yaml", "envs/a.json"];
        for it in manifests::scaffold::propose(folders.map(|it| (it, text.as_bytes()))) {
            prop_assert!(it.value.matches(&it.current).is_some());
        }
        let manifest = format!("apiVersion: lowops.manifests.v1\nkind: DeploymentConfig\n{text}");
        let files = [("a.yaml", "1".to_owned(), manifest)];
        let (graph, findings) = Graph::load(files, &mut Cache::new());
        prop_assert!(graph.manifests().count() == 0 || !findings.is_empty());
        for it in &findings {
            it.render(|_| Some(text.as_str().into()), true);
        }
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let refused = parse("a.yaml", &bytes);
        if let Err(it) = refused {
            prop_assert!(it.line >= 1 && it.column >= 1);
        }
    }
}
