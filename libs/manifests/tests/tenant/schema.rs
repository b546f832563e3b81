//! The JSON schemas against real manifests: the tenant passes, and what the check refuses for its
//! shape the schema refuses too.

use manifests::{Kind, schema};
use serde::Deserialize as _;
use serde_json::{Value, json};

/// The part of JSON Schema that the schemas use; anything else panics, so that nothing passes
/// because it was not looked at.
fn valid(value: &Value, schema: &Value, root: &Value) -> bool {
    let rules = schema.as_object().expect("a schema is an object");
    rules.iter().all(|(rule, of)| match rule.as_str() {
        "$schema" | "title" | "description" | "$defs" | "pattern" | "propertyNames" => true,
        "$ref" => {
            let path = of.as_str().unwrap().trim_start_matches('#');
            valid(
                value,
                root.pointer(path).expect("the definition exists"),
                root,
            )
        }
        "type" => match of.as_str() {
            Some(it) => is(value, it),
            None => list(of).iter().any(|it| is(value, it.as_str().unwrap())),
        },
        "const" => value == of,
        "enum" => list(of).contains(value),
        "minimum" => value.as_f64().is_none_or(|it| it >= of.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|it| it <= of.as_f64().unwrap()),
        "minItems" => value
            .as_array()
            .is_none_or(|it| it.len() as u64 >= of.as_u64().unwrap()),
        "items" => value
            .as_array()
            .is_none_or(|it| it.iter().all(|it| valid(it, of, root))),
        "required" | "properties" | "additionalProperties" => value
            .as_object()
            .is_none_or(|it| valid_object(it, rule, of, schema, root)),
        "oneOf" => list(of).iter().filter(|it| valid(value, it, root)).count() == 1,
        "anyOf" => list(of).iter().any(|it| valid(value, it, root)),
        "not" => !valid(value, of, root),
        other => panic!("the test does not know the rule `{other}`"),
    })
}

fn valid_object(
    value: &serde_json::Map<String, Value>,
    rule: &str,
    of: &Value,
    schema: &Value,
    root: &Value,
) -> bool {
    let known = schema.get("properties").and_then(Value::as_object);
    let is_known = |name: &String| known.is_some_and(|it| it.contains_key(name));
    match rule {
        "required" => list(of)
            .iter()
            .all(|name| value.contains_key(name.as_str().unwrap())),
        "properties" => value.iter().all(|(name, value)| {
            of.get(name)
                .is_none_or(|it| value.is_null() || valid(value, it, root))
        }),
        _ => value
            .iter()
            .filter(|(name, _)| !is_known(name))
            .all(|(_, value)| of.as_bool().unwrap_or_else(|| valid(value, of, root))),
    }
}

fn list(of: &Value) -> &Vec<Value> {
    of.as_array().expect("the rule holds a list")
}

fn is(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the test does not know the type `{other}`"),
    }
}

/// All manifests of a text, with the schema of their kind.
fn documents(text: &str) -> Vec<(Value, Value)> {
    yaml_serde::Deserializer::from_str(text)
        .filter_map(|it| {
            // Through text, because JSON has no keys but texts.
            let it = yaml_serde::Value::deserialize(it).unwrap();
            let it: Value = serde_json::from_str(&serde_json::to_string(&it).unwrap()).unwrap();
            let kind = Kind::parse(it.get("kind")?.as_str()?)?;
            Some((it, schema(kind)))
        })
        .collect()
}

fn all_valid(text: &str) -> bool {
    documents(text)
        .iter()
        .all(|(it, schema)| valid(it, schema, schema))
}

#[test]
fn the_tenant_is_valid() {
    let mut count = 0;
    for (path, text) in crate::support::tenant() {
        if !path.starts_with("envs/") && path != "README.md" && path != "database.json" {
            assert!(all_valid(&text), "{path}");
            count += documents(&text).len();
        }
    }
    assert_eq!(
        count,
        crate::support::good().manifests().count() - 1,
        "all but the opaque one"
    );
}

#[test]
fn broken_shapes_are_invalid() {
    let files = crate::support::tenant();
    for (file, from, to) in [
        ("web.yaml", "buildDefinition: web", "buildDefinitoin: web"),
        ("web.yaml", "  buildDefinition: web\n", ""),
        ("web.yaml", "  application-set: shop-apps\n", ""),
        ("web.yaml", "CLOUD_RUN", "CLOUDRUN"),
        ("api.yaml", "version: \"0.1.0\"", "version: [a]"),
        ("api.yaml", "8080: http", "8080: htp"),
        ("api.yaml", "port: 8080", "port: -5"),
        ("api.yaml", "checkIntervalSec: 1", "checkIntervalSec: 0"),
        (
            "track.yaml",
            "environments: [development]",
            "environments: []",
        ),
        (
            "track.yaml",
            "stakeholder: { groupEmail: qa }",
            "stakeholder: {}",
        ),
        ("track.yaml", "deny: true", "deny: true, allow: true"),
        ("track.yaml", "minApprovals: 2", "minApprovals: 0"),
        ("track.yaml", "onFailure: halt", "onFailure: explode"),
        ("builds.yaml", "- name: api", "- nme: api"),
        (
            "organization.yaml",
            "url: registry",
            "ociLayout: x\n  url: registry",
        ),
    ] {
        let text = files[file].replacen(from, to, 1);
        assert_ne!(text, files[file], "{from} is not in {file}");
        assert!(!all_valid(&text), "{file}: {from} -> {to}");
    }
}

#[test]
fn every_kind_has_a_schema_with_all_its_fields() {
    for kind in Kind::ALL {
        let schema = schema(kind);
        let properties = schema.pointer("/properties/spec/properties").unwrap();
        for field in kind.spec().fields {
            assert!(
                properties.get(field.name).is_some(),
                "{kind}.{}",
                field.name
            );
        }
        let empty =
            json!({ "apiVersion": "lowops.manifests.v1", "kind": kind.word(), "metadata": {} });
        assert!(!valid(&empty, &schema, &schema), "{kind} needs a name");
        assert!(
            kind.spec().at_most_one.is_empty() || kind.spec().at_most_one.len() == 2,
            "`not` can say two"
        );
    }
}
