//! An approval as it is answered.

use ids::Uuid;
use proto::approval::v1 as pb;
use service::Fault;

use crate::domain::approval::{Standing, Vote};
use crate::process::Known;

pub(super) fn shape(id: Uuid, known: &Known) -> Result<pb::Approval, Fault> {
    let Some(round) = known.state.as_deref() else {
        return Err(Fault::broken(format!(
            "approval {id} is known and has no round"
        )));
    };
    let subject = &round.subject;
    let mut votes: Vec<_> = round.yes.iter().map(|it| vote(it, "APPROVED")).collect();
    let mut message = String::new();
    match &round.standing {
        Standing::Open | Standing::Reached => {}
        Standing::Rejected { vote: it, .. } => votes.push(vote(it, "REJECTED")),
        Standing::Stale { reason } => message.clone_from(reason),
    }
    Ok(pb::Approval {
        id: id.to_string(),
        deployment_id: subject.deployment.to_string(),
        stage: subject.stage.clone(),
        application: subject.application.clone(),
        version: subject.version.clone(),
        environments: subject.environments.clone(),
        state: round.standing.as_str().to_owned(),
        round: round.number,
        plan_digest: subject.plan.to_string(),
        requested_by: subject.requested_by.clone(),
        policy: subject.policy.to_string(),
        votes,
        opened_at_us: known.opened_at_us,
        updated_at_us: known.updated_at_us,
        message,
    })
}

fn vote(it: &Vote, said: &str) -> pb::Vote {
    pb::Vote {
        name: it.by.name.clone(),
        issuer: it.by.issuer.clone(),
        groups: it.by.groups.clone(),
        said: said.to_owned(),
        comment: it.comment.clone(),
    }
}
