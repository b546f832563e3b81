//! What cd-manager records, as far as it matters to releases.

use eventlog::{Consumed, EventRecord, UnknownEvent};
use ids::Uuid;
use proto::delivery::v1 as pb;

use super::{Fields, message, unknown};
use crate::domain::release::{Item, Outcome};
use crate::process::{Change, Fact};

const PACKAGE: &str = "towpath.delivery.v1.";
/// The kind of deployments that a release takes what succeeded from.
const PRE_RELEASE: &str = "PRE_RELEASE";

/// What this role does about events of others.
pub const CONSUMES: &[Consumed] = &[
    Consumed {
        event: "towpath.delivery.v1.DeploymentCreated",
        what: "remembers what enters pre-release: releases are made of it",
    },
    Consumed {
        event: "towpath.delivery.v1.DeploymentSucceeded",
        what: "takes a build of pre-release as what a release may hold; ends the pass once all deployments of its candidates succeeded",
    },
    Consumed {
        event: "towpath.delivery.v1.DeploymentFailed",
        what: "ends the pass that the deployment's candidate is of",
    },
    Consumed {
        event: "towpath.delivery.v1.DeploymentAborted",
        what: "ends the pass that the deployment's candidate is of; forgets a deployment of pre-release",
    },
    Consumed {
        event: "towpath.delivery.v1.DeploymentSuperseded",
        what: "ends the pass that the deployment's candidate is of; forgets a deployment of pre-release",
    },
    Consumed {
        event: "towpath.delivery.v1.DeploymentQuarantined",
        what: "ends the pass that the deployment's candidate is of; forgets a deployment of pre-release",
    },
    Consumed {
        event: "towpath.delivery.v1.DeploymentRolledBack",
        what: "goes back to what succeeded in pre-release before",
    },
    Consumed {
        event: "towpath.delivery.v1.DeploymentRetried",
        what: "takes up again the pass that the deployment's candidate is of",
    },
    Consumed {
        event: "towpath.delivery.v1.BuildQuarantined",
        what: "takes the build into no release any more",
    },
];

/// What an event of a build means here.
pub(super) fn build(id: Uuid, record: &EventRecord) -> Result<Option<Fact>, UnknownEvent> {
    match (record.kind.strip_prefix(PACKAGE), record.schema) {
        (Some("BuildQuarantined"), 1) => Ok(Some(Fact::Quarantined(id))),
        (Some("BuildQuarantined"), _) => Err(unknown(record)),
        _ => Ok(None),
    }
}

/// What an event of a deployment means here.
pub(super) fn deployment(id: Uuid, record: &EventRecord) -> Result<Option<Fact>, UnknownEvent> {
    let Some(name) = record.kind.strip_prefix(PACKAGE) else {
        return Ok(None);
    };
    let change = match (name, record.schema) {
        ("DeploymentCreated", 1) => {
            return opened(id, &Fields(record), message(record)?);
        }
        ("DeploymentSucceeded", 1) => Change::Succeeded,
        ("DeploymentFailed", 1) => {
            let it: pb::DeploymentFailed = message(record)?;
            let why = format!("{}: {}", it.environment, it.message);
            Change::Ended(Outcome::Failed, why)
        }
        ("DeploymentAborted", 1) => {
            let it: pb::DeploymentAborted = message(record)?;
            Change::Ended(Outcome::Aborted, it.reason)
        }
        ("DeploymentSuperseded", 1) => {
            let it: pb::DeploymentSuperseded = message(record)?;
            let by = Fields(record).uuid(&it.by)?;
            Change::Ended(Outcome::Superseded, format!("by deployment {by}"))
        }
        ("DeploymentQuarantined", 1) => {
            let it: pb::DeploymentQuarantined = message(record)?;
            Change::Ended(Outcome::Quarantined, it.message)
        }
        ("DeploymentRolledBack", 1) => Change::RolledBack,
        ("DeploymentRetried", 1) => Change::Retried,
        (
            "DeploymentCreated"
            | "DeploymentSucceeded"
            | "DeploymentFailed"
            | "DeploymentAborted"
            | "DeploymentSuperseded"
            | "DeploymentQuarantined"
            | "DeploymentRolledBack"
            | "DeploymentRetried",
            _,
        ) => return Err(unknown(record)),
        _ => return Ok(None),
    };
    Ok(Some(Fact::Deployment(id, change)))
}

fn opened(
    deployment: Uuid,
    fields: &Fields<'_>,
    it: pb::DeploymentCreated,
) -> Result<Option<Fact>, UnknownEvent> {
    if it.kind != PRE_RELEASE {
        return Ok(None);
    }
    Ok(Some(Fact::Opened(Item {
        deployment,
        build: fields.uuid(&it.build_id)?,
        application: it.application,
        definition: it.definition,
        container: it.container,
        version: fields.tag(&it.version)?,
        digest: fields.digest(&it.digest)?,
        registries: it.registries,
        commit: fields.opt_oid(&it.commit)?,
    })))
}
