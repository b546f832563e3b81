//! The JSON schema of a kind, for editors: read from the same table that checks manifests.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::API_VERSION;
use crate::kinds::Kind;
use crate::shape::{Format, Object, Shape};

/// The schema of one kind, JSON Schema 2020-12
/// (<https://json-schema.org/draft/2020-12/json-schema-core>).
pub fn schema(kind: Kind) -> Value {
    let mut defs = BTreeMap::new();
    let spec = object(kind.spec(), &mut defs);
    let mut metadata = Map::new();
    metadata.insert("name".into(), scalar(Format::Name));
    for key in kind.parents().iter().chain(kind.optional_parents()) {
        metadata.insert((*key).into(), scalar(Format::Name));
    }
    let required: Vec<&str> = std::iter::once("name")
        .chain(kind.parents().iter().copied())
        .collect();
    let needs_spec = kind.spec().fields.iter().any(|it| it.required);
    let mut top = vec!["apiVersion", "kind", "metadata"];
    if needs_spec {
        top.push("spec");
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": kind.word(),
        "type": "object",
        "additionalProperties": false,
        "required": top,
        "properties": {
            "apiVersion": { "const": API_VERSION },
            "kind": { "const": kind.word() },
            "metadata": {
                "type": "object",
                "additionalProperties": false,
                "required": required,
                "properties": metadata,
            },
            "spec": spec,
        },
        "$defs": defs,
    })
}

/// A reference to the object, whose definition is put into `defs` once: policies hold policies.
fn named(it: &'static Object, defs: &mut BTreeMap<&'static str, Value>) -> Value {
    if !defs.contains_key(it.name) {
        defs.insert(it.name, Value::Null);
        let schema = object(it, defs);
        defs.insert(it.name, schema);
    }
    json!({ "$ref": format!("#/$defs/{}", it.name) })
}

fn object(it: &'static Object, defs: &mut BTreeMap<&'static str, Value>) -> Value {
    let mut properties = Map::new();
    for field in it.fields {
        let mut schema = shape(&field.shape, defs);
        if let Value::Object(schema) = &mut schema {
            schema.insert("description".into(), field.doc.into());
        }
        properties.insert(field.name.into(), schema);
    }
    let required: Vec<_> = it
        .fields
        .iter()
        .filter(|it| it.required)
        .map(|it| it.name)
        .collect();
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "required": required,
    });
    let of = |names: &[&str]| -> Vec<Value> {
        names.iter().map(|it| json!({ "required": [it] })).collect()
    };
    if !it.exactly_one.is_empty() {
        schema["oneOf"] = of(it.exactly_one).into();
    }
    if !it.at_most_one.is_empty() {
        schema["not"] = json!({ "required": it.at_most_one });
    }
    schema
}

fn shape(it: &Shape, defs: &mut BTreeMap<&'static str, Value>) -> Value {
    match it {
        Shape::Any => json!({}),
        Shape::Scalar(format) => scalar(*format),
        Shape::Ref(_) => scalar(Format::Name),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Int(min, max) if *max == i64::MAX => json!({ "type": "integer", "minimum": min }),
        Shape::Int(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::OneOf(["true"]) => json!({ "const": true }),
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::List(item) => json!({ "type": "array", "items": shape(item, defs) }),
        Shape::NonEmpty(item) => {
            json!({ "type": "array", "items": shape(item, defs), "minItems": 1 })
        }
        Shape::Map(key, value) => json!({
            "type": "object",
            "propertyNames": pattern(*key).map_or_else(|| json!({}), |it| json!({ "pattern": it })),
            "additionalProperties": shape(value, defs),
        }),
        Shape::Object(it) => named(it, defs),
        Shape::Named(it) => {
            let one = named(it, defs);
            json!({ "anyOf": [
                { "type": "array", "items": one },
                one,
                { "type": "object", "additionalProperties": true },
            ] })
        }
    }
}

fn scalar(format: Format) -> Value {
    let text = match pattern(format) {
        Some(pattern) => json!({ "type": "string", "pattern": pattern }),
        None => json!({ "type": "string" }),
    };
    match format {
        Format::Port => json!({ "type": "integer", "minimum": 1, "maximum": 65_535 }),
        // Without quotes a version or a value may look like a number; its text is what counts.
        Format::Text | Format::Free | Format::Version => {
            json!({ "type": ["string", "number", "boolean"] })
        }
        Format::Name
        | Format::Template
        | Format::Pointer
        | Format::RelativePath
        | Format::Duration
        | Format::Clock => text,
    }
}

/// The form of a text as ECMA 262 pattern, which is what JSON Schema asks for.
fn pattern(format: Format) -> Option<&'static str> {
    match format {
        Format::Name => Some("^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$"),
        Format::Version => Some("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"),
        Format::Template => Some("\\{(version|image|digest|commit)\\}"),
        Format::Pointer => Some("^(/([^~/]|~[01])*)+$"),
        Format::RelativePath => Some("^[^/]"),
        Format::Duration => Some("^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"),
        Format::Clock => Some("^([01][0-9]|2[0-3]):[0-5][0-9]$"),
        Format::Port => Some("^[1-9][0-9]{0,4}$"),
        Format::Text | Format::Free => None,
    }
}
