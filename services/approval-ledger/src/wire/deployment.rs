//! What cd-manager records of deployments, as far as it matters to approvals.

use eventlog::{EventRecord, UnknownEvent};
use ids::Uuid;
use proto::delivery::v1 as pb;
use proto::policy;

use super::{digest, message, unknown};
use crate::domain::approval::Subject;
use crate::process::Fact;

/// The aggregate kind of deployments.
pub(super) const KIND: &str = "deployment";

const READY: &str = "towpath.delivery.v1.StageReady";
const STALE: &str = "towpath.delivery.v1.StageStale";
/// Ends after which nothing is tried again, and the words for them.
const ENDS: &[(&str, &str)] = &[
    ("towpath.delivery.v1.DeploymentSucceeded", "SUCCESS"),
    ("towpath.delivery.v1.DeploymentSuperseded", "SUPERSEDED"),
    ("towpath.delivery.v1.DeploymentAborted", "ABORTED"),
    ("towpath.delivery.v1.DeploymentQuarantined", "QUARANTINED"),
    ("towpath.delivery.v1.DeploymentRolledBack", "ROLLED_BACK"),
];

/// What an event of a deployment means here.
pub(super) fn fact(deployment: Uuid, record: &EventRecord) -> Result<Option<Fact>, UnknownEvent> {
    let kind = record.kind.as_str();
    if let Some((_, word)) = ENDS.iter().find(|it| it.0 == kind) {
        return Ok(Some(Fact::Over(deployment, word)));
    }
    match (kind, record.schema) {
        (READY, 1) => {
            let it: pb::StageReady = message(record)?;
            let read = it.policy.and_then(policy::from_wire);
            Ok(Some(Fact::Asked(Subject {
                deployment,
                stage: it.stage,
                revision: it.revision,
                plan: digest(record, &it.plan_digest)?,
                environments: it.environments,
                policy: read.ok_or_else(|| unknown(record))?,
                requested_by: it.requested_by,
                application: it.application,
                version: it.version,
            })))
        }
        (STALE, 1) => {
            let it: pb::StageStale = message(record)?;
            let what = if it.field.is_empty() {
                "comments or layout".to_owned()
            } else {
                format!("`{}`", it.field)
            };
            Ok(Some(Fact::Stale {
                deployment,
                stage: it.stage,
                revision: it.revision,
                reason: format!("{what} of {} changed", it.file),
            }))
        }
        (READY | STALE, _) => Err(unknown(record)),
        _ => Ok(None),
    }
}
