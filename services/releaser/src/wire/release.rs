//! Release events.

use eventlog::{Codec, EventRecord, UnknownEvent};
use proto::release::v1 as pb;

use super::{Fields, PACKAGE, bytes, message, record, unknown};
use crate::domain::release::{Event, Item, Outcome, Releases, Tagged};

impl Codec for Releases {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        match event {
            Event::Created {
                application_set,
                bundle,
                track,
            } => record(
                "ReleaseCreated",
                &pb::ReleaseCreated {
                    application_set: application_set.clone(),
                    bundle: bundle.clone(),
                    track: track.clone(),
                },
            ),
            Event::PassBegun { ordinal, items } => record(
                "PassBegun",
                &pb::PassBegun {
                    ordinal: *ordinal,
                    items: items.iter().map(item).collect(),
                },
            ),
            Event::Numbered {
                ordinal,
                number,
                tag,
            } => record(
                "CandidateNumbered",
                &pb::CandidateNumbered {
                    ordinal: *ordinal,
                    number: *number,
                    tag: tag.to_string(),
                },
            ),
            Event::Tagged { ordinal, tagged } => {
                record("CandidateTagged", &tagged_to_wire(*ordinal, tagged))
            }
            Event::Refused {
                ordinal,
                application,
                registry,
                code,
                message,
            } => record(
                "CandidateRefused",
                &pb::CandidateRefused {
                    ordinal: *ordinal,
                    application: application.clone(),
                    registry: registry.clone(),
                    code: code.clone(),
                    message: message.clone(),
                },
            ),
            Event::Ready {
                ordinal,
                application_set,
                bundle,
                tag,
                items,
            } => record(
                "ReleaseCandidateReady",
                &pb::ReleaseCandidateReady {
                    ordinal: *ordinal,
                    application_set: application_set.clone(),
                    bundle: bundle.clone(),
                    tag: tag.to_string(),
                    items: items.iter().map(item).collect(),
                },
            ),
            Event::Succeeded { ordinal } => {
                let ordinal = *ordinal;
                record("ReleaseSucceeded", &pb::ReleaseSucceeded { ordinal })
            }
            Event::Failed {
                ordinal,
                outcome,
                message,
            } => record(
                "ReleaseFailed",
                &pb::ReleaseFailed {
                    ordinal: *ordinal,
                    state: outcome.as_str().to_owned(),
                    message: message.clone(),
                },
            ),
            Event::Resumed { ordinal } => {
                let ordinal = *ordinal;
                record("ReleaseResumed", &pb::ReleaseResumed { ordinal })
            }
        }
    }

    fn decode(stored: &EventRecord) -> Result<Event, UnknownEvent> {
        let fields = Fields(stored);
        let (Some(name), 1) = (stored.kind.strip_prefix(PACKAGE), stored.schema) else {
            return Err(unknown(stored));
        };
        match name {
            "ReleaseCreated" => {
                let it: pb::ReleaseCreated = message(stored)?;
                Ok(Event::Created {
                    application_set: it.application_set,
                    bundle: it.bundle,
                    track: it.track,
                })
            }
            "PassBegun" => {
                let it: pb::PassBegun = message(stored)?;
                Ok(Event::PassBegun {
                    ordinal: it.ordinal,
                    items: items_from_wire(&fields, it.items)?,
                })
            }
            "CandidateNumbered" => {
                let it: pb::CandidateNumbered = message(stored)?;
                Ok(Event::Numbered {
                    ordinal: it.ordinal,
                    number: it.number,
                    tag: fields.tag(&it.tag)?,
                })
            }
            "CandidateTagged" => tagged_from_wire(&fields, message(stored)?),
            "CandidateRefused" => {
                let it: pb::CandidateRefused = message(stored)?;
                Ok(Event::Refused {
                    ordinal: it.ordinal,
                    application: it.application,
                    registry: it.registry,
                    code: it.code,
                    message: it.message,
                })
            }
            "ReleaseCandidateReady" => {
                let it: pb::ReleaseCandidateReady = message(stored)?;
                Ok(Event::Ready {
                    ordinal: it.ordinal,
                    application_set: it.application_set,
                    bundle: it.bundle,
                    tag: fields.tag(&it.tag)?,
                    items: items_from_wire(&fields, it.items)?,
                })
            }
            "ReleaseSucceeded" => {
                let it: pb::ReleaseSucceeded = message(stored)?;
                Ok(Event::Succeeded {
                    ordinal: it.ordinal,
                })
            }
            "ReleaseFailed" => {
                let it: pb::ReleaseFailed = message(stored)?;
                Ok(Event::Failed {
                    ordinal: it.ordinal,
                    outcome: Outcome::parse(&it.state).ok_or_else(|| unknown(stored))?,
                    message: it.message,
                })
            }
            "ReleaseResumed" => {
                let it: pb::ReleaseResumed = message(stored)?;
                Ok(Event::Resumed {
                    ordinal: it.ordinal,
                })
            }
            _ => Err(unknown(stored)),
        }
    }
}

fn tagged_to_wire(ordinal: u32, it: &Tagged) -> pb::CandidateTagged {
    pb::CandidateTagged {
        ordinal,
        application: it.application.clone(),
        registry: it.registry.clone(),
        place: it.place.clone(),
        digest: it.digest.to_string(),
        already: it.already,
    }
}

fn tagged_from_wire(fields: &Fields<'_>, it: pb::CandidateTagged) -> Result<Event, UnknownEvent> {
    Ok(Event::Tagged {
        ordinal: it.ordinal,
        tagged: Tagged {
            application: it.application,
            registry: it.registry,
            place: it.place,
            digest: fields.digest(&it.digest)?,
            already: it.already,
        },
    })
}

fn item(it: &Item) -> pb::Item {
    pb::Item {
        application: it.application.clone(),
        deployment_id: bytes(it.deployment),
        build_id: bytes(it.build),
        definition: it.definition.clone(),
        container: it.container.clone(),
        version: it.version.to_string(),
        digest: it.digest.to_string(),
        registries: it.registries.clone(),
        commit: it
            .commit
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    }
}

fn items_from_wire(fields: &Fields<'_>, items: Vec<pb::Item>) -> Result<Vec<Item>, UnknownEvent> {
    let items = items.into_iter().map(|it| {
        Ok(Item {
            application: it.application,
            deployment: fields.uuid(&it.deployment_id)?,
            build: fields.uuid(&it.build_id)?,
            definition: it.definition,
            container: it.container,
            version: fields.tag(&it.version)?,
            digest: fields.digest(&it.digest)?,
            registries: it.registries,
            commit: fields.opt_oid(&it.commit)?,
        })
    });
    items.collect()
}
