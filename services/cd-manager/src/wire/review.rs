//! What a deployment records of the approvals that its stages ask for.

use eventlog::{EventRecord, UnknownEvent};
use ids::Digest;
use proto::delivery::v1 as pb;
use proto::policy;

use super::{Fields, message, opt_text, record};
use crate::domain::deployment::Event;
use crate::domain::plan::{Change, Plan};

pub(super) fn ready(plan: &Plan) -> EventRecord {
    let message = pb::StageReady {
        stage: plan.stage.clone(),
        environments: plan.environments(),
        policy: Some(policy::to_wire(&plan.policy)),
        plan_digest: plan.digest.to_string(),
        revision: plan.revision,
        requested_by: plan.requested_by.clone(),
        application: plan.application.clone(),
        version: plan.version.to_string(),
        track_digest: plan.track.to_string(),
        changes: plan.changes.iter().map(change_to_wire).collect(),
    };
    record("StageReady", &message)
}

fn change_to_wire(it: &Change) -> pb::PlannedChange {
    pb::PlannedChange {
        environment: it.environment.clone(),
        application: it.application.clone(),
        digest: it.digest.to_string(),
        file: it.file.clone(),
        configuration: it.configuration.to_string(),
        blob: opt_text(it.blob.as_ref()),
    }
}

fn change_from_wire(fields: &Fields<'_>, it: pb::PlannedChange) -> Result<Change, UnknownEvent> {
    Ok(Change {
        environment: it.environment,
        application: it.application,
        digest: fields.digest(&it.digest)?,
        file: it.file,
        configuration: fields.oid(&it.configuration)?,
        blob: fields.opt_oid(&it.blob)?,
    })
}

fn plan_from_wire(fields: &Fields<'_>, it: pb::StageReady) -> Result<Plan, UnknownEvent> {
    let changes = it.changes.into_iter();
    Ok(Plan {
        stage: it.stage,
        revision: it.revision,
        digest: fields.digest(&it.plan_digest)?,
        track: fields.digest(&it.track_digest)?,
        policy: fields.word(it.policy.and_then(policy::from_wire))?,
        requested_by: it.requested_by,
        application: it.application,
        version: fields.version(&it.version)?,
        changes: changes
            .map(|it| change_from_wire(fields, it))
            .collect::<Result<_, _>>()?,
    })
}

pub(super) fn stale(
    (stage, environments): (&str, &[String]),
    (revision, plan): (u32, &Digest),
    (file, field): (&str, &str),
) -> EventRecord {
    let message = pb::StageStale {
        stage: stage.to_owned(),
        environments: environments.to_vec(),
        plan_digest: plan.to_string(),
        revision,
        file: file.to_owned(),
        field: field.to_owned(),
    };
    record("StageStale", &message)
}

pub(super) fn approved(stage: &str, revision: u32, plan: &Digest, round: u32) -> EventRecord {
    let message = pb::StageApproved {
        stage: stage.to_owned(),
        plan_digest: plan.to_string(),
        revision,
        round,
    };
    record("StageApproved", &message)
}

pub(super) fn reopened(
    (stage, environments): (&str, &[String]),
    (revision, plan): (u32, &Digest),
    round: u32,
) -> EventRecord {
    let message = pb::StageReopened {
        stage: stage.to_owned(),
        environments: environments.to_vec(),
        plan_digest: plan.to_string(),
        revision,
        round,
    };
    record("StageReopened", &message)
}

pub(super) fn rejected(
    (stage, environments): (&str, &[String]),
    (revision, plan, round): (u32, &Digest, u32),
    (by, comment, spoke_for): (&str, &str, &[String]),
) -> EventRecord {
    let message = pb::StageRejected {
        stage: stage.to_owned(),
        environments: environments.to_vec(),
        plan_digest: plan.to_string(),
        revision,
        round,
        by: by.to_owned(),
        comment: comment.to_owned(),
        spoke_for: spoke_for.to_vec(),
    };
    record("StageRejected", &message)
}

/// Reads one of these; nothing when the event is another one.
pub(super) fn from_wire(fields: &Fields<'_>, name: &str) -> Result<Option<Event>, UnknownEvent> {
    let stored = fields.0;
    Ok(Some(match name {
        "StageReady" => Event::StageReady(plan_from_wire(fields, message(stored)?)?),
        "StageStale" => {
            let it: pb::StageStale = message(stored)?;
            Event::StageStale {
                stage: it.stage,
                environments: it.environments,
                revision: it.revision,
                plan: fields.digest(&it.plan_digest)?,
                file: it.file,
                field: it.field,
            }
        }
        "StageApproved" => {
            let it: pb::StageApproved = message(stored)?;
            Event::StageApproved {
                stage: it.stage,
                revision: it.revision,
                plan: fields.digest(&it.plan_digest)?,
                round: it.round,
            }
        }
        "StageReopened" => {
            let it: pb::StageReopened = message(stored)?;
            Event::StageReopened {
                stage: it.stage,
                environments: it.environments,
                revision: it.revision,
                plan: fields.digest(&it.plan_digest)?,
                round: it.round,
            }
        }
        "StageRejected" => {
            let it: pb::StageRejected = message(stored)?;
            Event::StageRejected {
                stage: it.stage,
                environments: it.environments,
                revision: it.revision,
                plan: fields.digest(&it.plan_digest)?,
                round: it.round,
                by: it.by,
                comment: it.comment,
                spoke_for: it.spoke_for,
            }
        }
        _ => return Ok(None),
    }))
}
