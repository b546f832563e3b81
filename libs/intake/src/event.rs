//! An event as CI publishes it: `CloudEvents` 1.0 in JSON, or the `CDEvent` of a published artifact.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proto::delivery::v1::ReportBuildRequest;
use serde::Deserialize;
use serde_json::Value;
use service::fault::{Fault, Kind};
use sha2::{Digest as _, Sha256};

use crate::artifact::{self, Artifact};
use crate::report::{BuildReport, FIELDS};

/// What every subject of a build report begins with; the build definition's name follows.
pub(crate) const SUBJECT: &str = "tp.in.build.";

const REPORTED: &str = "dev.towpath.build.reported.v1";

/// A build report that came as an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The idempotency key: an event is known by its source and its id.
    pub key: String,
    /// Where the event comes from; CI says which repository it builds.
    pub source: String,
    /// The report.
    pub request: ReportBuildRequest,
}

#[derive(Deserialize)]
struct Envelope {
    specversion: String,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    datacontenttype: Option<String>,
    data: Option<Value>,
    data_base64: Option<String>,
}

impl Event {
    /// Reads an event that was published under `subject`.
    ///
    /// # Errors
    /// [`Kind::Invalid`], with a code that says what is wrong.
    pub fn parse(subject: &str, body: &[u8]) -> Result<Self, Fault> {
        let definition = subject
            .strip_prefix(SUBJECT)
            .filter(|it| !it.is_empty())
            .ok_or_else(|| {
                invalid(
                    "subject-unknown",
                    format!("nothing reads `{}`", shown(subject)),
                )
                .fix(format!(
                    "publish build reports to {SUBJECT}<build definition>"
                ))
            })?;
        let json: Value = serde_json::from_slice(body).map_err(|error| {
            invalid(
                "event-malformed",
                format!("the message is no JSON: {error}"),
            )
            .fix(FORM)
        })?;
        let event = if artifact::is_bare(&json) {
            from_artifact(json, definition)?
        } else {
            from_envelope(json, definition)?
        };
        if event.request.definition != definition {
            let what = format!(
                "the event reports a build of `{}` under the subject of `{}`",
                shown(&event.request.definition),
                shown(definition)
            );
            return Err(invalid("subject-mismatch", what)
                .fix(format!("publish it to {SUBJECT}<its own build definition>")));
        }
        Ok(event)
    }

    fn new(source: String, id: &str, request: ReportBuildRequest) -> Result<Self, Fault> {
        if source.trim().is_empty() || id.trim().is_empty() {
            return Err(
                invalid("event-malformed", "`id` or `source` of the event is empty").fix(FORM),
            );
        }
        let mut hash = Sha256::new();
        hash.update(source.as_bytes());
        hash.update([0]);
        hash.update(id.as_bytes());
        Ok(Self {
            key: format!(
                "event-{}",
                ids::Digest::from_bytes(hash.finalize().into()).hex()
            ),
            source,
            request,
        })
    }
}

const FORM: &str = "send CloudEvents 1.0 as JSON: specversion, id, source, type dev.towpath.build.reported.v1, data";

fn from_envelope(json: Value, definition: &str) -> Result<Event, Fault> {
    let it: Envelope = serde_json::from_value(json).map_err(|error| {
        invalid(
            "event-malformed",
            format!("the message is no CloudEvent: {error}"),
        )
        .fix(FORM)
    })?;
    if it.specversion != "1.0" {
        let what = format!("CloudEvents {} is not 1.0", shown(&it.specversion));
        return Err(invalid("event-malformed", what).fix(FORM));
    }
    let data = data(it.data, it.data_base64, it.datacontenttype.as_deref())?;
    if it.kind == REPORTED {
        let report: BuildReport = serde_json::from_value(data).map_err(|error| {
            let text = error.to_string();
            let code = if text.starts_with("unknown field") {
                "unknown-field"
            } else {
                "body-malformed"
            };
            invalid(code, format!("the data is no build report: {text}")).fix(FIELDS)
        })?;
        return Event::new(it.source, &it.id, report.into());
    }
    if artifact::is_published(&it.kind) {
        return from_artifact(data, definition);
    }
    let what = format!("nothing is done with events of type `{}`", shown(&it.kind));
    Err(invalid("event-type-unknown", what).fix(format!("types: {REPORTED}, {}*", artifact::TYPE)))
}

fn from_artifact(json: Value, definition: &str) -> Result<Event, Fault> {
    let Artifact { id, source, report } = artifact::read(json, definition)?;
    Event::new(source, &id, report.into())
}

fn data(
    data: Option<Value>,
    encoded: Option<String>,
    content_type: Option<&str>,
) -> Result<Value, Fault> {
    let is_json = |it: &str| {
        let media = it.split(';').next().unwrap_or_default().trim();
        media.ends_with("/json") || media.ends_with("+json")
    };
    if let Some(other) = content_type.filter(|it| !is_json(it)) {
        let what = format!("the data is `{}`, not application/json", shown(other));
        return Err(invalid("event-malformed", what).fix(FORM));
    }
    match (data, encoded) {
        (Some(data), None) => Ok(data),
        (None, Some(text)) => STANDARD
            .decode(text)
            .ok()
            .and_then(|it| serde_json::from_slice(&it).ok())
            .ok_or_else(|| invalid("event-malformed", "`data_base64` holds no JSON").fix(FORM)),
        (None, None) | (Some(_), Some(_)) => {
            Err(invalid("event-malformed", "the event has no `data`, or two").fix(FORM))
        }
    }
}

pub(crate) fn invalid(code: &'static str, what: impl Into<String>) -> Fault {
    Fault::new(Kind::Invalid, code, what)
}

/// A text of unknown origin, fit to be shown: at most 80 characters, control characters escaped.
pub(crate) fn shown(text: &str) -> String {
    text.chars()
        .take(80)
        .flat_map(char::escape_default)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Value {
        json!({
            "specversion": "1.0", "id": "7", "source": "https://forge.example/acme/api",
            "type": REPORTED, "datacontenttype": "application/json", "unknownextension": "kept out",
            "data": { "definition": "api", "container": "api", "version": "1.0.0", "digest": "sha256:ab" }
        })
    }

    fn code(subject: &str, json: &Value) -> &'static str {
        Event::parse(subject, json.to_string().as_bytes())
            .unwrap_err()
            .code
    }

    #[test]
    fn a_report_is_read() {
        let found = Event::parse("tp.in.build.api", event().to_string().as_bytes()).unwrap();
        assert_eq!(found.source, "https://forge.example/acme/api");
        assert_eq!(found.request.version, "1.0.0");
        let mut again = event();
        again["id"] = json!("8");
        let other = Event::parse("tp.in.build.api", again.to_string().as_bytes()).unwrap();
        assert_ne!(found.key, other.key);
    }

    #[test]
    fn data_may_be_encoded() {
        let mut it = event();
        let data = it["data"].take().to_string();
        it.as_object_mut().unwrap().remove("data");
        it["data_base64"] = json!(STANDARD.encode(data));
        let found = Event::parse("tp.in.build.api", it.to_string().as_bytes()).unwrap();
        assert_eq!(found.request.digest, "sha256:ab");
    }

    #[test]
    fn what_is_wrong_has_a_code() {
        let with = |name: &str, value: Value| {
            let mut it = event();
            it[name] = value;
            it
        };
        assert_eq!(code("tp.in.build.web", &event()), "subject-mismatch");
        assert_eq!(code("tp.in.deploy.api", &event()), "subject-unknown");
        let subject = "tp.in.build.api";
        for (name, value, expected) in [
            ("specversion", json!("0.3"), "event-malformed"),
            ("id", json!(""), "event-malformed"),
            ("source", json!(7), "event-malformed"),
            (
                "type",
                json!("com.example.cake.baked"),
                "event-type-unknown",
            ),
            ("datacontenttype", json!("text/xml"), "event-malformed"),
            ("data", json!({ "definition": "api" }), "body-malformed"),
            ("data_base64", json!("e30="), "event-malformed"),
        ] {
            assert_eq!(code(subject, &with(name, value)), expected, "{name}");
        }
        let mut more = event();
        more["data"]["digset"] = json!("x");
        assert_eq!(code(subject, &more), "unknown-field");
        let broken = Event::parse(subject, b"{\"specversion\":").unwrap_err();
        assert_eq!(broken.code, "event-malformed");
    }
}
