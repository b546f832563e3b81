//! GitHub's description of itself, as a judge of requests, answers and webhooks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Map, Value, json};

const TEXT: &str = include_str!("../description.json");
/// Violations told of one document; more would say the same.
const TOLD: usize = 5;

/// The description, ready to judge.
#[derive(Debug)]
pub struct Description {
    paths: Value,
    rest: Value,
    hooks: Value,
    webhooks: Value,
    /// Made once for each schema: most of them are large.
    made: Mutex<BTreeMap<String, Arc<Validator>>>,
}

/// An operation that is described, and the parts of the path that are named.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Such as `get /repos/{owner}/{repo}/pulls/{pull_number}`.
    pub name: String,
    /// Parts of the path by name, decoded.
    pub parts: BTreeMap<String, String>,
    shape: Value,
}

impl Default for Description {
    fn default() -> Self {
        Self::new()
    }
}

impl Description {
    /// Reads the slice.
    ///
    /// # Panics
    /// When it is none.
    pub fn new() -> Self {
        let slice: Value = serde_json::from_str(TEXT).expect("description.json is JSON");
        let schema = |it: &Value| json_schema(it);
        Self {
            paths: schema(&slice["rest"]["paths"]),
            rest: schema(&slice["rest"]["components"]),
            hooks: schema(&slice["webhooks"]["hooks"]),
            webhooks: schema(&slice["webhooks"]["components"]),
            made: Mutex::default(),
        }
    }

    /// The operation that a method and a path name, with parts of the path still encoded.
    pub fn operation(&self, method: &str, path: &str) -> Option<Operation> {
        let method = method.to_ascii_lowercase();
        let given: Vec<_> = path.split('/').collect();
        let paths = self.paths.as_object()?;
        paths.iter().find_map(|(template, methods)| {
            let shape = methods.get(&method)?.clone();
            let parts = matched(&template.split('/').collect::<Vec<_>>(), &given)?;
            let name = format!("{method} {template}");
            Some(Operation { name, parts, shape })
        })
    }

    /// What is wrong with a request.
    pub fn request(&self, operation: &Operation, query: &[String], body: &[u8]) -> Vec<String> {
        let mut wrong = Vec::new();
        let parameters = operation.shape["parameters"].as_array();
        let named: Vec<_> = parameters
            .into_iter()
            .flatten()
            .map(|it| self.resolved(it)["name"].clone())
            .collect();
        for key in query {
            if !named.iter().any(|it| it == key) {
                wrong.push(format!("the parameter `{key}` is not described"));
            }
        }
        let schema = &operation.shape["requestBody"]["content"]["application/json"]["schema"];
        match (schema.is_null(), body.is_empty()) {
            (true, true) => {}
            (true, false) => wrong.push("a body that is not described".to_owned()),
            (false, true) => wrong.push("no body".to_owned()),
            (false, false) => match serde_json::from_slice(body) {
                Err(error) => wrong.push(format!("the body is no JSON: {error}")),
                Ok(body) => {
                    let name = format!("{} request", operation.name);
                    wrong.extend(self.judge(&name, schema, &self.rest, &body));
                    wrong.extend(strangers(schema, &body));
                }
            },
        }
        named_in(operation, wrong, "request")
    }

    /// What is wrong with an answer.
    pub fn answer(&self, operation: &Operation, status: u16, body: &[u8]) -> Vec<String> {
        let answer = &operation.shape["responses"][status.to_string()];
        if answer.is_null() {
            let wrong = vec![format!("the status {status} is not described")];
            return named_in(operation, wrong, "answer");
        }
        let schema = &self.resolved(answer)["content"]["application/json"]["schema"];
        if schema.is_null() {
            return vec![];
        }
        let wrong = match serde_json::from_slice(body) {
            Err(error) => vec![format!("it is no JSON: {error}")],
            Ok(body) => {
                let name = format!("{} {status}", operation.name);
                self.judge(&name, schema, &self.rest, &body)
            }
        };
        named_in(operation, wrong, "answer")
    }

    /// What is wrong with a webhook, by event and action such as `pull-request-edited`.
    pub fn webhook(&self, name: &str, payload: &Value) -> Vec<String> {
        let schema = &self.hooks[name];
        if schema.is_null() {
            return vec![format!("webhook {name}: not described")];
        }
        let wrong = self.judge(name, schema, &self.webhooks, payload);
        let wrong = wrong.into_iter().map(|it| format!("webhook {name}: {it}"));
        wrong.collect()
    }

    /// What a reference stands for; anything else is itself.
    fn resolved<'a>(&'a self, it: &'a Value) -> &'a Value {
        let pointer = it["$ref"].as_str();
        let pointer = pointer.and_then(|it| it.strip_prefix("#/components"));
        pointer.and_then(|it| self.rest.pointer(it)).unwrap_or(it)
    }

    fn judge(&self, name: &str, schema: &Value, components: &Value, it: &Value) -> Vec<String> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = made.entry(name.to_owned()).or_insert_with(|| {
            let whole = json!({ "allOf": [schema], "components": components });
            let made = jsonschema::draft202012::new(&whole);
            Arc::new(made.unwrap_or_else(|error| panic!("{name}: {error}")))
        });
        let errors = validator.iter_errors(it).take(TOLD);
        errors
            .map(|it| format!("{}: {}", it.instance_path(), it.masked()))
            .collect()
    }
}

fn named_in(operation: &Operation, wrong: Vec<String>, what: &str) -> Vec<String> {
    let name = &operation.name;
    wrong
        .into_iter()
        .map(|it| format!("{name}, {what}: {it}"))
        .collect()
}

/// The named parts of a path, when it fits.
fn matched(template: &[&str], given: &[&str]) -> Option<BTreeMap<String, String>> {
    if template.len() != given.len() {
        return None;
    }
    let mut parts = BTreeMap::new();
    for (wanted, part) in template.iter().zip(given) {
        let name = wanted.strip_prefix('{').and_then(|it| it.strip_suffix('}'));
        match name {
            Some(name) if !part.is_empty() => {
                parts.insert(name.to_owned(), decoded(part)?);
            }
            None if wanted == part => {}
            Some(_) | None => return None,
        }
    }
    Some(parts)
}

/// Without percent signs.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = part.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = tail.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

/// Fields of a body that no part of its schema names. The description allows them; nobody who
/// sends one means it.
fn strangers(schema: &Value, body: &Value) -> Vec<String> {
    let variants = ["oneOf", "anyOf"].map(|it| schema[it].as_array());
    let variants = variants.into_iter().flatten().flatten();
    let mut known = Map::new();
    for it in variants.chain([schema]) {
        known.extend(it["properties"].as_object().cloned().unwrap_or_default());
    }
    let keys = body.as_object().into_iter().flat_map(Map::keys);
    keys.filter(|it| !known.contains_key(*it))
        .map(|it| format!("the field `{it}` is not described"))
        .collect()
}

/// The schemas of the description as JSON Schema: `nullable` is a type like others.
fn json_schema(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(json_schema).collect(),
        Value::Object(all) => {
            let mut new: Map<_, _> = all
                .iter()
                .map(|(key, it)| (key.clone(), json_schema(it)))
                .collect();
            if new.get("nullable") != Some(&Value::Bool(true)) {
                return Value::Object(new);
            }
            new.remove("nullable");
            json!({ "anyOf": [new, { "type": "null" }] })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_with_their_parts_decoded() {
        let description = Description::new();
        let path = "/repos/acme/api/issues/7/labels/release%2Fminor";
        let operation = description.operation("DELETE", path).unwrap();
        assert_eq!(operation.parts["name"], "release/minor");
        assert_eq!(operation.parts["issue_number"], "7");
        assert!(description.operation("GET", path).is_none());
        assert!(
            description
                .operation("GET", "/repos/acme/api/pulls/7/files")
                .is_none()
        );
    }

    #[test]
    fn what_is_not_described_is_a_violation() {
        let description = Description::new();
        let at = |method, path| description.operation(method, path).unwrap();
        let add = at("POST", "/repos/acme/api/issues/7/labels");
        let good = br#"{"labels":["release/minor"]}"#;
        assert_eq!(description.request(&add, &[], good), Vec::<String>::new());
        for wrong in [
            &b""[..],
            b"{",
            br#"{"labels":[7]}"#,
            br#"{"labels":["a"],"colour":"red"}"#,
        ] {
            assert!(!description.request(&add, &[], wrong).is_empty());
        }
        let pulls = at("GET", "/repos/acme/api/commits/abc/pulls");
        let query = |it: &str| description.request(&pulls, &[it.to_owned()], b"");
        assert!(query("per_page").is_empty() && !query("size").is_empty());
        assert!(!description.request(&pulls, &[], b"{}").is_empty());
        assert!(description.answer(&pulls, 200, b"[]").is_empty());
        assert!(!description.answer(&pulls, 200, b"[{}]").is_empty());
        assert!(!description.answer(&pulls, 418, b"").is_empty());
        assert!(
            !description
                .webhook("pull-request-edited", &json!({}))
                .is_empty()
        );
        assert!(
            !description
                .webhook("pull-request-sung", &json!({}))
                .is_empty()
        );
    }
}
