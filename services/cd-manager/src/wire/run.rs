//! What the runner records, as far as it matters to deployments.

use eventlog::{EventRecord, UnknownEvent};
use proto::run::v1 as pb;

const PACKAGE: &str = "towpath.run.v1.";

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
