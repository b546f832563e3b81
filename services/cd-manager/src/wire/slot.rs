//! Slot events.

use eventlog::{Codec, EventRecord, UnknownEvent};
use proto::delivery::v1 as pb;

use super::{Fields, bytes, hold_placed, message, name, opt_bytes, opt_text, record};
use crate::domain::order::Rule;
use crate::domain::slot::{Candidate, Edit, Event, Outcome, Place, Slot};

impl Codec for Slot {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        match event {
            Event::Accepted {
                place,
                candidate,
                because,
                forced,
            } => record(
                "CandidateAccepted",
                &pb::CandidateAccepted {
                    environment: place.environment.clone(),
                    application: place.application.clone(),
                    deployment_id: bytes(candidate.deployment),
                    version: candidate.version.to_string(),
                    digest: candidate.digest.to_string(),
                    commit: opt_text(candidate.commit.as_ref()),
                    ci_run: candidate.ci_run.unwrap_or_default(),
                    reported_at_position: candidate.reported_at,
                    rule: because
                        .map(|(rule, _)| rule.as_str().to_owned())
                        .unwrap_or_default(),
                    compared_to: opt_bytes(because.map(|(_, with)| with)),
                    forced: *forced,
                },
            ),
            Event::Superseded {
                deployment,
                by,
                rule,
            } => record(
                "CandidateSuperseded",
                &pb::CandidateSuperseded {
                    deployment_id: bytes(*deployment),
                    by: bytes(*by),
                    rule: rule.as_str().to_owned(),
                },
            ),
            Event::Started { deployment } => record(
                "PromotionStarted",
                &pb::PromotionStarted {
                    deployment_id: bytes(*deployment),
                },
            ),
            Event::Finished {
                deployment,
                outcome,
                manifest_commit,
            } => record(
                "PromotionFinished",
                &pb::PromotionFinished {
                    deployment_id: bytes(*deployment),
                    outcome: outcome.as_str().to_owned(),
                    manifest_commit: manifest_commit.clone(),
                },
            ),
            Event::Edited { place, edit } => record(
                "ManualChange",
                &pb::ManualChange {
                    environment: place.environment.clone(),
                    application: place.application.clone(),
                    version: edit.version.clone(),
                    commit: edit.commit.to_string(),
                    author_name: edit.author_name.clone(),
                    author_email: edit.author_email.clone(),
                    deployment_id: opt_bytes(edit.deployment),
                    unapproved: edit.unapproved,
                },
            ),
            Event::Held(hold) => record("HoldPlaced", &hold_placed(hold)),
            Event::Released { id, reason } => record(
                "HoldReleased",
                &pb::HoldReleased {
                    hold_id: bytes(*id),
                    reason: reason.clone(),
                },
            ),
        }
    }

    fn decode(stored: &EventRecord) -> Result<Event, UnknownEvent> {
        let fields = Fields(stored);
        match name(stored)? {
            "CandidateAccepted" => accepted(&fields, message(stored)?),
            "CandidateSuperseded" => {
                let it: pb::CandidateSuperseded = message(stored)?;
                Ok(Event::Superseded {
                    deployment: fields.uuid(&it.deployment_id)?,
                    by: fields.uuid(&it.by)?,
                    rule: fields.word(Rule::parse(&it.rule))?,
                })
            }
            "PromotionStarted" => {
                let it: pb::PromotionStarted = message(stored)?;
                Ok(Event::Started {
                    deployment: fields.uuid(&it.deployment_id)?,
                })
            }
            "PromotionFinished" => {
                let it: pb::PromotionFinished = message(stored)?;
                Ok(Event::Finished {
                    deployment: fields.uuid(&it.deployment_id)?,
                    outcome: fields.word(Outcome::parse(&it.outcome))?,
                    manifest_commit: it.manifest_commit,
                })
            }
            "ManualChange" => {
                let it: pb::ManualChange = message(stored)?;
                Ok(Event::Edited {
                    place: Place {
                        environment: it.environment,
                        application: it.application,
                    },
                    edit: Edit {
                        version: it.version,
                        commit: fields.oid(&it.commit)?,
                        author_name: it.author_name,
                        author_email: it.author_email,
                        deployment: fields.opt_uuid(&it.deployment_id)?,
                        unapproved: it.unapproved,
                    },
                })
            }
            "HoldPlaced" => Ok(Event::Held(fields.hold(message(stored)?)?)),
            "HoldReleased" => {
                let it: pb::HoldReleased = message(stored)?;
                Ok(Event::Released {
                    id: fields.uuid(&it.hold_id)?,
                    reason: it.reason,
                })
            }
            _ => Err(fields.wrong()),
        }
    }
}

fn accepted(fields: &Fields<'_>, it: pb::CandidateAccepted) -> Result<Event, UnknownEvent> {
    let because = match fields.opt_uuid(&it.compared_to)? {
        Some(with) => Some((fields.word(Rule::parse(&it.rule))?, with)),
        None => None,
    };
    Ok(Event::Accepted {
        place: Place {
            environment: it.environment,
            application: it.application,
        },
        candidate: Candidate {
            deployment: fields.uuid(&it.deployment_id)?,
            version: fields.version(&it.version)?,
            digest: fields.digest(&it.digest)?,
            commit: fields.opt_oid(&it.commit)?,
            ci_run: (it.ci_run != 0).then_some(it.ci_run),
            reported_at: it.reported_at_position,
        },
        because,
        forced: it.forced,
    })
}
