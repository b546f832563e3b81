//! What cd-manager records, as far as it matters to changelogs.

use eventlog::{EventRecord, UnknownEvent};
use ids::Uuid;
use proto::delivery::v1 as pb;

use super::{message, told_oid, unknown};
use crate::process::{Fact, Opened};

pub(super) const OPENED: &str = "towpath.delivery.v1.DeploymentCreated";
pub(super) const RUNS: &str = "towpath.delivery.v1.EnvironmentSucceeded";

/// What an event of a deployment means here.
pub(super) fn fact(
    id: Uuid,
    at_us: i64,
    record: &EventRecord,
) -> Result<Option<Fact>, UnknownEvent> {
    match (record.kind.as_str(), record.schema) {
        (OPENED, 1) => {
            let it: pb::DeploymentCreated = message(record)?;
            let environments = it.stages.into_iter().flat_map(|it| it.environments);
            Ok(Some(Fact::Opened(Opened {
                deployment: id,
                commit: told_oid(record, &it.commit)?,
                application: it.application,
                environments: environments.collect(),
                definition: it.definition,
                version: it.version,
                digest: it.digest,
            })))
        }
        (RUNS, 1) => {
            let it: pb::EnvironmentSucceeded = message(record)?;
            Ok(Some(Fact::Runs {
                deployment: id,
                environment: it.environment,
                at_us,
            }))
        }
        (OPENED | RUNS, _) => Err(unknown(record)),
        _ => Ok(None),
    }
}
