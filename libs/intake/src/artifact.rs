//! The `CDEvent` `artifact.published`: a package URL names the image, `customData` what else a
//! report needs.

use serde::Deserialize;
use serde_json::Value;
use service::fault::Fault;

use crate::event::{invalid, shown};
use crate::report::BuildReport;

/// What the type begins with; the version of the event's own form follows.
pub(crate) const TYPE: &str = "dev.cdevents.artifact.published.";

const FORM: &str = "an artifact.published needs context.id, context.source, and subject.id as pkg:oci/<container>@sha256:<digest>?tag=<version>; customData may hold the fields of a build report";

/// A published artifact as a build report.
pub(crate) struct Artifact {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) report: BuildReport,
}

#[derive(Deserialize)]
struct CdEvent {
    context: Context,
    subject: Subject,
    #[serde(default, rename = "customData")]
    custom: Value,
}

#[derive(Deserialize)]
struct Context {
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Subject {
    id: String,
}

/// What a package URL of an image says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Package {
    name: String,
    digest: String,
    tag: String,
}

pub(crate) fn is_published(kind: &str) -> bool {
    kind.starts_with(TYPE)
}

/// A `CDEvent` without a `CloudEvent` around it.
pub(crate) fn is_bare(json: &Value) -> bool {
    json.get("specversion").is_none() && json.get("context").is_some_and(Value::is_object)
}

pub(crate) fn read(json: Value, definition: &str) -> Result<Artifact, Fault> {
    let it: CdEvent = serde_json::from_value(json).map_err(|error| {
        invalid(
            "event-malformed",
            format!("the message is no CDEvent: {error}"),
        )
        .fix(FORM)
    })?;
    if !is_published(&it.context.kind) {
        let what = format!(
            "nothing is done with events of type `{}`",
            shown(&it.context.kind)
        );
        return Err(invalid("event-type-unknown", what).fix(format!("types: {TYPE}*")));
    }
    let package = package(&it.subject.id).ok_or_else(|| {
        let what = format!("`{}` is no package URL", shown(&it.subject.id));
        invalid("event-malformed", what).fix(FORM)
    })?;
    let text = |name: &str, otherwise: &str| match it.custom.get(name).and_then(Value::as_str) {
        Some(text) => text.to_owned(),
        None => otherwise.to_owned(),
    };
    let registries = it.custom.get("registries").and_then(Value::as_array);
    Ok(Artifact {
        report: BuildReport {
            definition: text("definition", definition),
            container: text("container", &package.name),
            version: text("version", &package.tag),
            release_type: text("release_type", ""),
            digest: text("digest", &package.digest),
            registries: registries
                .into_iter()
                .flatten()
                .filter_map(|it| Some(it.as_str()?.to_owned()))
                .collect(),
            commit: text("commit", ""),
            ci_run: it
                .custom
                .get("ci_run")
                .and_then(Value::as_u64)
                .unwrap_or_default(),
        },
        id: it.context.id,
        source: it.context.source,
    })
}

/// `pkg:<type>/<namespace>/<name>@<version>?<qualifiers>#<subpath>`, each part percent-encoded.
fn package(text: &str) -> Option<Package> {
    let rest = text.strip_prefix("pkg:")?;
    let rest = rest.split('#').next()?;
    let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let (path, version) = rest.rsplit_once('@').unwrap_or((rest, ""));
    let (_, path) = path.split_once('/')?;
    let name = decoded(path.rsplit('/').next()?)?;
    let version = decoded(version)?;
    let tag = qualifiers
        .split('&')
        .find_map(|it| it.strip_prefix("tag="))
        .map_or(Some(String::new()), decoded)?;
    let (digest, tag) = match version.starts_with("sha256:") {
        true => (version, tag),
        false if tag.is_empty() => (String::new(), version),
        false => (String::new(), tag),
    };
    Some(Package { name, digest, tag })
}

/// Without percent encoding; nothing when it is not UTF-8 afterwards.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(id: &str) -> Value {
        json!({
            "context": { "version": "0.4.1", "id": "7", "source": "/acme/api", "type": format!("{TYPE}0.2.0"), "timestamp": "2026-11-20T10:00:00Z" },
            "subject": { "id": id, "source": "/acme/api", "content": {} },
            "customData": { "commit": "ab", "ci_run": 12, "registries": ["local"], "else": [] }
        })
    }

    #[test]
    fn a_package_url_names_the_image() {
        let id = "pkg:oci/api@sha256%3Aabcd?repository_url=registry.example/acme/api&tag=1.0.0";
        let found = read(event(id), "api").unwrap();
        let BuildReport {
            definition,
            container,
            version,
            digest,
            registries,
            commit,
            ci_run,
            ..
        } = found.report;
        assert_eq!((definition.as_str(), container.as_str()), ("api", "api"));
        assert_eq!(
            (version.as_str(), digest.as_str()),
            ("1.0.0", "sha256:abcd")
        );
        assert_eq!(
            (registries, commit.as_str(), ci_run),
            (vec!["local".to_owned()], "ab", 12)
        );
    }

    #[test]
    fn package_urls_are_taken_apart() {
        let found = |text| package(text).map(|it| (it.name, it.digest, it.tag));
        let of = |a: &str, b: &str, c: &str| Some((a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(found("pkg:docker/acme/api@1.0.0"), of("api", "", "1.0.0"));
        assert_eq!(
            found("pkg:oci/a%2Fb@sha256:ab#x"),
            of("a/b", "sha256:ab", "")
        );
        assert_eq!(found("pkg:oci"), None);
        assert_eq!(found("oci/api"), None);
        assert_eq!(found("pkg:oci/a%zz"), None);
        assert_eq!(found("pkg:oci/a%f"), None);
    }

    #[test]
    fn other_events_of_the_same_form_are_refused_by_type() {
        let mut other = event("pkg:oci/api");
        other["context"]["type"] = json!("dev.cdevents.artifact.deleted.0.1.0");
        assert_eq!(
            read(other, "api").err().map(|it| it.code),
            Some("event-type-unknown")
        );
    }
}
