//! What the runner records, as far as it matters to deployments.

use eventlog::{EventRecord, UnknownEvent};
use proto::run::v1 as pb;

const PACKAGE: &str = "towpath.run.v1.";

/// A run's event as a line of a story.
pub(crate) fn told(record: &EventRecord) -> Result<String, UnknownEvent> {
    if record.kind.strip_prefix(PACKAGE) == Some("RunFailed") {
        let it: pb::RunFailed = super::message(record)?;
        let output = it.output.trim();
        return Ok(if output.is_empty() {
            it.message
        } else {
            format!("{}; its last output: {output}", it.message)
        });
    }
    Ok(match outcome(record)? {
        None => "the runner took it up".to_owned(),
        Some(Ok(url)) => format!("healthy at {url}"),
        Some(Err(message)) => message,
    })
}

/// How a run ended, if this event says so: where it answers, or what the target said.
pub(crate) fn outcome(
    record: &EventRecord,
) -> Result<Option<Result<String, String>>, UnknownEvent> {
    match (record.kind.strip_prefix(PACKAGE), record.schema) {
        (Some("RunStarted"), 1) => Ok(None),
        (Some("RunSucceeded"), 1) => {
            let it: pb::RunSucceeded = super::message(record)?;
            Ok(Some(Ok(it.url)))
        }
        (Some("RunFailed"), 1) => {
            let it: pb::RunFailed = super::message(record)?;
            Ok(Some(Err(it.message)))
        }
        _ => Err(UnknownEvent::new(
            record,
            "not an event of the runner that this binary knows",
        )),
    }
}
