//! How things look to whoever asks. What nobody asks about is in `templates/`.

use serde_json::{Value, json};

use crate::state::{Pull, Repository};

const PULL: &str = include_str!("../templates/pull_request.json");
const REPOSITORY: &str = include_str!("../templates/repository.json");
const USER: &str = include_str!("../templates/user.json");

fn template(text: &str) -> Value {
    serde_json::from_str(text).expect("a template is JSON")
}

pub(crate) fn user(login: &str) -> Value {
    let mut shape = template(USER);
    shape["login"] = json!(login);
    let kind = if login.ends_with("[bot]") {
        "Bot"
    } else {
        "User"
    };
    shape["type"] = json!(kind);
    shape
}

pub(crate) fn repository(name: &str, known: &Repository) -> Value {
    let (owner, short) = name.split_once('/').unwrap_or(("", name));
    let mut shape = template(REPOSITORY);
    shape["full_name"] = json!(name);
    shape["name"] = json!(short);
    shape["owner"] = user(owner);
    shape["default_branch"] = json!(known.default_branch);
    shape
}

pub(crate) fn label(name: &str) -> Value {
    json!({
        "id": 1, "node_id": "x", "url": "https://example.com/", "name": name,
        "description": "", "color": "ededed", "default": false,
    })
}

pub(crate) fn labels(of: &Pull) -> Value {
    of.labels.keys().map(|it| label(it)).collect()
}

/// As one is shown alone, and in webhooks.
pub(crate) fn pull(name: &str, known: &Repository, it: &Pull) -> Value {
    let mut shape = template(PULL);
    shape["number"] = json!(it.number);
    shape["title"] = json!(it.title);
    shape["body"] = json!(it.body);
    shape["state"] = json!(if it.is_open { "open" } else { "closed" });
    shape["merged"] = json!(it.merged_at.is_some());
    shape["merged_at"] = json!(it.merged_at);
    shape["closed_at"] = json!(it.merged_at);
    // Of one that is open, the commit of a merge that was tried.
    let tried = "7".repeat(40);
    shape["merge_commit_sha"] = json!(it.merge_commit.as_ref().unwrap_or(&tried));
    shape["merged_by"] = Value::Null;
    shape["labels"] = labels(it);
    shape["user"] = user("author");
    for (side, branch, sha) in [
        ("base", &it.base, &"0".repeat(40)),
        ("head", &"topic".to_owned(), &it.head),
    ] {
        shape[side]["ref"] = json!(branch);
        shape[side]["sha"] = json!(sha);
        shape[side]["user"] = user("author");
        shape[side]["repo"] = repository(name, known);
    }
    shape
}

/// As it is shown in lists, which do not say whether it is merged, only when.
pub(crate) fn listed(name: &str, known: &Repository, it: &Pull) -> Value {
    let mut shape = pull(name, known, it);
    if let Some(fields) = shape.as_object_mut() {
        fields.remove("merged");
        fields.remove("merged_by");
    }
    shape
}
