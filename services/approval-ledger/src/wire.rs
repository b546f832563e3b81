//! Approval events as they are stored, and what this role reads of cd-manager's; the only place
//! that knows both forms.

mod deployment;

use decider::Decider as _;
use eventlog::{Codec, EventRecord, Stored, UnknownEvent};
use ids::{Digest, Uuid};
use prost::Message;
use proto::approval::v1 as pb;
use proto::policy;

use crate::domain::approval::{About, Approval, Event, Person, Subject, Who};
use crate::process::Fact;

const PACKAGE: &str = "towpath.approval.v1.";

impl Codec for Approval {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        let (name, payload) = match event {
            Event::Opened { round, subject } => {
                ("RoundOpened", opened(*round, subject).encode_to_vec())
            }
            Event::Approved { about, by, comment } => {
                let message = pb::Approved {
                    deployment_id: bytes(about.deployment),
                    stage: about.stage.clone(),
                    round: about.round,
                    revision: about.revision,
                    plan_digest: about.plan.to_string(),
                    actor: Some(actor(by)),
                    comment: comment.clone(),
                };
                ("Approved", message.encode_to_vec())
            }
            Event::Rejected {
                about,
                by,
                comment,
                spoke_for,
                carried_from,
            } => {
                let message = rejected(about, (by, comment), spoke_for, *carried_from);
                ("Rejected", message.encode_to_vec())
            }
            Event::Reached { about, approvers } => {
                let message = pb::QuorumReached {
                    deployment_id: bytes(about.deployment),
                    stage: about.stage.clone(),
                    round: about.round,
                    revision: about.revision,
                    plan_digest: about.plan.to_string(),
                    approvers: approvers.clone(),
                };
                ("QuorumReached", message.encode_to_vec())
            }
            Event::Stale { about, reason } => {
                let message = pb::RoundStale {
                    deployment_id: bytes(about.deployment),
                    stage: about.stage.clone(),
                    round: about.round,
                    revision: about.revision,
                    plan_digest: about.plan.to_string(),
                    reason: reason.clone(),
                };
                ("RoundStale", message.encode_to_vec())
            }
        };
        EventRecord {
            kind: format!("{PACKAGE}{name}"),
            schema: 1,
            payload: payload.into(),
        }
    }

    fn decode(record: &EventRecord) -> Result<Event, UnknownEvent> {
        match (record.kind.strip_prefix(PACKAGE), record.schema) {
            (Some("RoundOpened"), 1) => {
                let it: pb::RoundOpened = message(record)?;
                Ok(Event::Opened {
                    round: it.round,
                    subject: subject(record, it)?,
                })
            }
            (Some("Approved"), 1) => {
                let it: pb::Approved = message(record)?;
                let which = (it.stage, it.round, it.revision);
                Ok(Event::Approved {
                    about: about(record, &it.deployment_id, which, &it.plan_digest)?,
                    by: person(record, it.actor)?,
                    comment: it.comment,
                })
            }
            (Some("Rejected"), 1) => {
                let it: pb::Rejected = message(record)?;
                let which = (it.stage, it.round, it.revision);
                let groups = it.spoke_for_groups.into_iter().map(Who::Group);
                let users = it.spoke_for_users.into_iter().map(Who::User);
                Ok(Event::Rejected {
                    about: about(record, &it.deployment_id, which, &it.plan_digest)?,
                    by: person(record, it.actor)?,
                    comment: it.comment,
                    spoke_for: groups.chain(users).collect(),
                    carried_from: (it.carried_from != 0).then_some(it.carried_from),
                })
            }
            (Some("QuorumReached"), 1) => {
                let it: pb::QuorumReached = message(record)?;
                let which = (it.stage, it.round, it.revision);
                Ok(Event::Reached {
                    about: about(record, &it.deployment_id, which, &it.plan_digest)?,
                    approvers: it.approvers,
                })
            }
            (Some("RoundStale"), 1) => {
                let it: pb::RoundStale = message(record)?;
                let which = (it.stage, it.round, it.revision);
                Ok(Event::Stale {
                    about: about(record, &it.deployment_id, which, &it.plan_digest)?,
                    reason: it.reason,
                })
            }
            _ => Err(unknown(record)),
        }
    }
}

fn opened(round: u32, subject: &Subject) -> pb::RoundOpened {
    pb::RoundOpened {
        deployment_id: bytes(subject.deployment),
        stage: subject.stage.clone(),
        round,
        revision: subject.revision,
        plan_digest: subject.plan.to_string(),
        environments: subject.environments.clone(),
        policy: Some(policy::to_wire(&subject.policy)),
        requested_by: subject.requested_by.clone(),
        application: subject.application.clone(),
        version: subject.version.clone(),
    }
}

fn subject(record: &EventRecord, it: pb::RoundOpened) -> Result<Subject, UnknownEvent> {
    let read = it.policy.and_then(policy::from_wire);
    Ok(Subject {
        deployment: uuid(record, &it.deployment_id)?,
        stage: it.stage,
        revision: it.revision,
        plan: digest(record, &it.plan_digest)?,
        environments: it.environments,
        policy: read.ok_or_else(|| unknown(record))?,
        requested_by: it.requested_by,
        application: it.application,
        version: it.version,
    })
}

fn rejected(
    about: &About,
    (by, comment): (&Person, &str),
    spoke_for: &[Who],
    carried_from: Option<u32>,
) -> pb::Rejected {
    let mut message = pb::Rejected {
        deployment_id: bytes(about.deployment),
        stage: about.stage.clone(),
        round: about.round,
        revision: about.revision,
        plan_digest: about.plan.to_string(),
        actor: Some(actor(by)),
        comment: comment.to_owned(),
        spoke_for_groups: vec![],
        spoke_for_users: vec![],
        carried_from: carried_from.unwrap_or_default(),
    };
    for who in spoke_for {
        match who {
            Who::Group(name) => message.spoke_for_groups.push(name.clone()),
            Who::User(name) => message.spoke_for_users.push(name.clone()),
        }
    }
    message
}

fn actor(it: &Person) -> pb::Actor {
    pb::Actor {
        name: it.name.clone(),
        issuer: it.issuer.clone(),
        groups: it.groups.clone(),
    }
}

fn person(record: &EventRecord, it: Option<pb::Actor>) -> Result<Person, UnknownEvent> {
    let it = it.ok_or_else(|| unknown(record))?;
    Ok(Person {
        issuer: it.issuer,
        name: it.name,
        groups: it.groups,
    })
}

fn about(
    record: &EventRecord,
    deployment: &[u8],
    (stage, round, revision): (String, u32, u32),
    plan: &str,
) -> Result<About, UnknownEvent> {
    Ok(About {
        deployment: uuid(record, deployment)?,
        stage,
        round,
        revision,
        plan: digest(record, plan)?,
    })
}

/// What a commit means here; most of other roles' commits mean nothing.
pub(crate) fn facts(stored: &Stored) -> Result<Vec<Fact>, UnknownEvent> {
    let aggregate = &stored.commit.aggregate;
    let mut facts = Vec::new();
    for record in &stored.commit.events {
        if aggregate.kind() == Approval::KIND {
            let event = Approval::decode(record)?;
            let at_us = stored.commit.recorded_at_us;
            facts.push(Fact::Approval(aggregate.id(), at_us, event));
        } else if aggregate.kind() == deployment::KIND {
            facts.extend(deployment::fact(aggregate.id(), record)?);
        }
    }
    Ok(facts)
}

fn message<M: Message + Default>(record: &EventRecord) -> Result<M, UnknownEvent> {
    M::decode(record.payload.clone()).map_err(|_| unknown(record))
}

fn bytes(id: Uuid) -> prost::bytes::Bytes {
    id.as_bytes().to_vec().into()
}

fn uuid(record: &EventRecord, bytes: &[u8]) -> Result<Uuid, UnknownEvent> {
    Uuid::from_slice(bytes).map_err(|_| unknown(record))
}

fn digest(record: &EventRecord, text: &str) -> Result<Digest, UnknownEvent> {
    Digest::parse(text).map_err(|_| unknown(record))
}

fn unknown(record: &EventRecord) -> UnknownEvent {
    UnknownEvent::new(
        record,
        "not an event that this binary knows, or a field that cannot be read",
    )
}

#[cfg(test)]
mod tests;
