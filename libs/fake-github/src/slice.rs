//! The part of GitHub's description that is used here, taken out of the whole: the operations and
//! webhooks below, what they refer to, and no prose.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Operations, by path and method.
pub const OPERATIONS: &[(&str, &str)] = &[
    ("/repos/{owner}/{repo}/commits/{commit_sha}/pulls", "get"),
    ("/repos/{owner}/{repo}/issues/{issue_number}/labels", "post"),
    (
        "/repos/{owner}/{repo}/issues/{issue_number}/labels/{name}",
        "delete",
    ),
    ("/repos/{owner}/{repo}/labels", "post"),
    ("/repos/{owner}/{repo}/labels/{name}", "get"),
    ("/repos/{owner}/{repo}/pulls", "get"),
    ("/repos/{owner}/{repo}/pulls/{pull_number}", "get"),
];

/// Webhooks, by event and action.
pub const WEBHOOKS: &[&str] = &[
    "ping",
    "pull-request-closed",
    "pull-request-edited",
    "pull-request-labeled",
    "pull-request-opened",
    "pull-request-reopened",
    "pull-request-synchronize",
];

/// Keys that say something to people only.
const PROSE: &[&str] = &[
    "description",
    "example",
    "examples",
    "externalDocs",
    "summary",
    "tags",
    "x-github",
];

/// The slice of a description of the REST API and of one of webhooks.
///
/// # Panics
/// When an operation or webhook is in neither.
pub fn of(rest: &Value, webhooks: &Value) -> Value {
    let mut paths = Map::new();
    for (path, method) in OPERATIONS {
        let operation = &rest["paths"][path][method];
        assert!(operation.is_object(), "{method} {path} is not described");
        let methods = paths.entry(*path).or_insert_with(|| json!({}));
        methods[*method] = plain(operation, false);
    }
    let mut hooks = Map::new();
    for name in WEBHOOKS {
        let hook = &webhooks["x-webhooks"][name]["post"]["requestBody"]["content"];
        let schema = &hook["application/json"]["schema"];
        assert!(schema.is_object(), "{name} is not described");
        hooks.insert((*name).to_owned(), plain(schema, false));
    }
    let (paths, hooks) = (Value::Object(paths), Value::Object(hooks));
    json!({
        "notice": rest["info"]["x-licence-notice"],
        "source": rest["info"]["x-extracted-from"],
        "rest": { "components": components(&paths, rest), "paths": paths },
        "webhooks": { "components": components(&hooks, webhooks), "hooks": hooks },
    })
}

/// Without prose. Below `properties`, keys are names of fields, whatever they are called.
fn plain(value: &Value, is_names: bool) -> Value {
    match value {
        Value::Object(all) => {
            let kept = all
                .iter()
                .filter(|it| is_names || !PROSE.contains(&it.0.as_str()));
            let each =
                kept.map(|(key, it)| (key.clone(), plain(it, !is_names && key == "properties")));
            Value::Object(each.collect())
        }
        Value::Array(all) => all.iter().map(|it| plain(it, false)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Everything that is referred to, directly or by what is.
fn components(of: &Value, whole: &Value) -> Value {
    let mut components = json!({});
    let mut known = BTreeSet::new();
    let mut waiting = references(of);
    while let Some(reference) = waiting.pop() {
        if !known.insert(reference.clone()) {
            continue;
        }
        let found = whole.pointer(reference.trim_start_matches('#'));
        let found = plain(found.unwrap_or(&Value::Null), false);
        waiting.extend(references(&found));
        if let [_, _, kind, name] = reference.split('/').collect::<Vec<_>>()[..] {
            components[kind][name] = found;
        }
    }
    components
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(all) => {
            let own = all.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter()
                .chain(all.values().flat_map(references))
                .collect()
        }
        Value::Array(all) => all.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => vec![],
    }
}
