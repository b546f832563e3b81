//! What cd-manager records of deployments, as far as it matters to approvals.

use eventlog::{Consumed, EventRecord, UnknownEvent};
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
const SUCCEEDED: &str = "towpath.delivery.v1.DeploymentSucceeded";
const SUPERSEDED: &str = "towpath.delivery.v1.DeploymentSuperseded";
const ABORTED: &str = "towpath.delivery.v1.DeploymentAborted";
const QUARANTINED: &str = "towpath.delivery.v1.DeploymentQuarantined";
const ROLLED_BACK: &str = "towpath.delivery.v1.DeploymentRolledBack";
/// Ends after which nothing is tried again, and the words for them.
const ENDS: &[(&str, &str)] = &[
    (SUCCEEDED, "SUCCESS"),
    (SUPERSEDED, "SUPERSEDED"),
    (ABORTED, "ABORTED"),
    (QUARANTINED, "QUARANTINED"),
    (ROLLED_BACK, "ROLLED_BACK"),
];

/// What this role does about events of others.
pub const CONSUMES: &[Consumed] = &[
    Consumed {
        event: READY,
        what: "opens a round over exactly this plan",
    },
    Consumed {
        event: STALE,
        what: "closes the round over that plan: what was said in it counts for nothing",
    },
    Consumed {
        event: SUCCEEDED,
        what: "closes the deployment's rounds: it is over",
    },
    Consumed {
        event: SUPERSEDED,
        what: "closes the deployment's rounds: it is over",
    },
    Consumed {
        event: ABORTED,
        what: "closes the deployment's rounds: it is over",
    },
    Consumed {
        event: QUARANTINED,
        what: "closes the deployment's rounds: it is over",
    },
    Consumed {
        event: ROLLED_BACK,
        what: "closes the deployment's rounds: it is over",
    },
];

/// What an event of a deployment means here.
pub(super) fn fact(deployment: Uuid, record: &EventRecord) -> Result<Option<Fact>, UnknownEvent> {
    let kind = record.kind.as_str();
    if let Some((_, word)) = ENDS.iter().find(|it| it.0 == kind) {
        let known = (record.schema == 1).then_some(Fact::Over(deployment, word));
        return known.map(Some).ok_or_else(|| unknown(record));
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
