//! `towpath approve`, `towpath reject`, `towpath approvals`.

use proto::approval::v1 as pb;
use serde_json::{Value, json};
use service::time;

use super::Scene;
use crate::args;
use crate::client::keyed;
use crate::failure::Failure;
use crate::output::{self, short};

pub(super) async fn approve(scene: &Scene, say: args::Say) -> Result<(), Failure> {
    let dry = say.dry_run;
    let request = pb::ApproveRequest {
        deployment: say.deployment,
        stage: say.stage,
        comment: say.comment,
        plan_digest: say.plan,
        dry_run: dry,
    };
    let mut client = scene.client().await?.approval();
    let request = keyed(request, say.idempotency_key.as_deref())?;
    let answer = client.approve(request).await?.into_inner();
    show(scene, answer.approval.as_ref(), dry)
}

pub(super) async fn reject(scene: &Scene, say: args::Say) -> Result<(), Failure> {
    let dry = say.dry_run;
    let request = pb::RejectRequest {
        deployment: say.deployment,
        stage: say.stage,
        comment: say.comment,
        plan_digest: say.plan,
        dry_run: dry,
    };
    let mut client = scene.client().await?.approval();
    let request = keyed(request, say.idempotency_key.as_deref())?;
    let answer = client.reject(request).await?.into_inner();
    show(scene, answer.approval.as_ref(), dry)
}

pub(super) async fn run(scene: &Scene, command: args::Approvals) -> Result<(), Failure> {
    let mut client = scene.client().await?.approval();
    match command {
        args::Approvals::List { all } => {
            let request = pb::ListApprovalsRequest { all };
            let found = client.list_approvals(request).await?.into_inner().approvals;
            if scene.is_json() {
                let found: Vec<_> = found.iter().map(shape).collect();
                return output::json(&json!({ "approvals": found }));
            }
            let rows: Vec<_> = found.iter().map(row).collect();
            output::table(
                &[
                    "DEPLOYMENT",
                    "APPLICATION",
                    "VERSION",
                    "STAGE",
                    "STATE",
                    "ASKED",
                    "SAID",
                ],
                &rows,
            )
        }
        args::Approvals::Show { deployment, stage } => {
            let request = pb::ShowApprovalRequest { deployment, stage };
            let answer = client.show_approval(request).await?.into_inner();
            show(scene, answer.approval.as_ref(), false)
        }
    }
}

fn show(scene: &Scene, it: Option<&pb::Approval>, dry: bool) -> Result<(), Failure> {
    let Some(it) = it else { return Ok(()) };
    if scene.is_json() {
        return output::answer(json!({ "approval": shape(it) }), dry);
    }
    let mut lines = vec![
        format!(
            "{} {} to {} (stage {})",
            it.application,
            it.version,
            it.environments.join(", "),
            it.stage
        ),
        format!("state       {}", it.state),
        format!("deployment  {}", it.deployment_id),
        format!("plan        {} (round {})", it.plan_digest, it.round),
        format!("asked       {}", it.policy),
        format!("not         {}, who asked for it", it.requested_by),
        format!("since       {}", time::rfc3339(it.opened_at_us)),
    ];
    for vote in &it.votes {
        let comment = match vote.comment.as_str() {
            "" => String::new(),
            comment => format!(": {comment}"),
        };
        lines.push(format!(
            "{:<11} {} ({}){comment}",
            vote.said.to_lowercase(),
            vote.name,
            vote.groups.join(", ")
        ));
    }
    if !it.message.is_empty() {
        lines.push(format!("stale       {}", it.message));
    }
    if dry {
        lines.push("nothing was recorded (--dry-run)".to_owned());
    }
    output::line(&lines.join("\n"))
}

fn row(it: &pb::Approval) -> Vec<String> {
    let said: Vec<_> = it
        .votes
        .iter()
        .map(|it| format!("{} {}", it.name, it.said.to_lowercase()))
        .collect();
    vec![
        short(&it.deployment_id),
        it.application.clone(),
        it.version.clone(),
        it.stage.clone(),
        it.state.clone(),
        it.policy.clone(),
        said.join(", "),
    ]
}

fn shape(it: &pb::Approval) -> Value {
    let votes: Vec<_> = it
        .votes
        .iter()
        .map(|it| {
            json!({
                "name": it.name,
                "issuer": it.issuer,
                "groups": it.groups,
                "said": it.said,
                "comment": it.comment,
            })
        })
        .collect();
    json!({
        "id": it.id,
        "deployment_id": it.deployment_id,
        "stage": it.stage,
        "application": it.application,
        "version": it.version,
        "environments": it.environments,
        "state": it.state,
        "round": it.round,
        "plan_digest": it.plan_digest,
        "requested_by": it.requested_by,
        "policy": it.policy,
        "votes": votes,
        "opened_at_us": it.opened_at_us,
        "updated_at_us": it.updated_at_us,
        "message": it.message,
    })
}
