//! Answers as JSON. These shapes are stable: fields are added, never renamed or removed.

use proto::access::v1 as access;
use proto::control::v1 as control;
use proto::delivery::v1 as delivery;
use serde_json::{Value, json};

pub(crate) fn report(it: &delivery::ReportBuildResponse) -> Value {
    let deployments: Vec<_> = it
        .deployments
        .iter()
        .map(|it| json!({ "id": it.id, "application": it.application }))
        .collect();
    json!({
        "build_id": it.build_id,
        "state": it.state,
        "deployments": deployments,
        "wanted_manifest": it.wanted_manifest,
    })
}

pub(crate) fn deployment(it: &delivery::Deployment) -> Value {
    let stages: Vec<_> = it.stages.iter().map(stage).collect();
    json!({
        "id": it.id,
        "application": it.application,
        "kind": it.kind,
        "version": it.version,
        "digest": it.digest,
        "commit": it.commit,
        "state": it.state,
        "message": it.message,
        "stages": stages,
        "created_at_us": it.created_at_us,
        "updated_at_us": it.updated_at_us,
        "build_id": it.build_id,
        "requested_by": it.requested_by,
        "superseded_by": it.superseded_by,
        "rule": it.rule,
    })
}

fn stage(it: &delivery::StageStatus) -> Value {
    let environments: Vec<_> = it
        .environments
        .iter()
        .map(|it| {
            json!({
                "environment": it.environment,
                "state": it.state,
                "manifest_commit": it.manifest_commit,
                "url": it.url,
                "message": it.message,
            })
        })
        .collect();
    json!({ "id": it.id, "state": it.state, "environments": environments })
}

pub(crate) fn environment(it: &delivery::Environment) -> Value {
    let slots: Vec<_> = it.slots.iter().map(slot).collect();
    json!({ "name": it.name, "slots": slots })
}

fn slot(it: &delivery::Slot) -> Value {
    let holds: Vec<_> = it.holds.iter().map(hold).collect();
    json!({
        "application": it.application,
        "version": it.version,
        "digest": it.digest,
        "deployment_id": it.deployment_id,
        "previous_version": it.previous_version,
        "state": it.state,
        "waiting_version": it.waiting_version,
        "url": it.url,
        "manifest_commit": it.manifest_commit,
        "unknown_version": it.unknown_version,
        "holds": holds,
    })
}

pub(crate) fn hold(it: &delivery::Hold) -> Value {
    json!({
        "id": it.id,
        "scope": it.scope,
        "subject": it.subject,
        "reason": it.reason,
        "until_us": it.until_us,
        "source": it.source,
        "placed_by": it.placed_by,
        "placed_at_us": it.placed_at_us,
        "released": it.released,
    })
}

pub(crate) fn explanation(it: &delivery::ExplainResponse) -> Value {
    let waiting: Vec<_> = it
        .waiting
        .iter()
        .map(|it| {
            json!({
                "on": it.on,
                "why": it.why,
                "who_can_act": it.who_can_act,
                "next": it.next,
                "looked_at_us": it.looked_at_us,
            })
        })
        .collect();
    let facts: Vec<_> = it
        .facts
        .iter()
        .map(|it| json!({ "name": it.name, "value": it.value }))
        .collect();
    let timeline: Vec<_> = it
        .timeline
        .iter()
        .map(|it| {
            json!({
                "at_us": it.at_us,
                "event": it.event,
                "actor": it.actor,
                "text": it.text,
                "position": it.position,
            })
        })
        .collect();
    json!({
        "subject": it.subject,
        "state": it.state,
        "summary": it.summary,
        "waiting": waiting,
        "facts": facts,
        "timeline": timeline,
    })
}

pub(crate) fn rollback(it: &delivery::RollbackResponse) -> Value {
    json!({
        "deployment_id": it.deployment_id,
        "from_version": it.from_version,
        "to_version": it.to_version,
        "hold_id": it.hold_id,
        "diff": it.diff,
    })
}

pub(crate) fn identity(it: &access::Identity) -> Value {
    json!({ "name": it.name, "groups": it.groups, "is_service": it.is_service, "revoked": it.revoked, "expires_at_us": it.expires_at_us })
}

pub(crate) fn status(it: &control::GetStatusResponse) -> Value {
    let roles: Vec<_> = it
        .roles
        .iter()
        .map(|it| json!({ "name": it.name, "state": it.state, "message": it.message }))
        .collect();
    json!({
        "version": it.version,
        "log_id": it.log_id,
        "epoch": it.epoch,
        "log_position": it.log_position,
        "read_position": it.read_position,
        "archive_position": it.archive_position,
        "durability": it.durability,
        "fsync_us": it.fsync_us,
        "manifests_url": it.manifests_url,
        "manifests_branch": it.manifests_branch,
        "manifests_tip": it.manifests_tip,
        "manifest_problems": it.manifest_problems,
        "roles": roles,
        "deployments_in_progress": it.deployments_in_progress,
        "unwell": it.unwell,
        "set_aside": it.set_aside,
    })
}

pub(crate) fn commit(it: &control::TailLogResponse) -> Value {
    json!({
        "position": it.position,
        "aggregate": it.aggregate,
        "version": it.version,
        "recorded_at_us": it.recorded_at_us,
        "actor": it.actor,
        "hash": it.hash,
        "kinds": it.kinds,
    })
}
