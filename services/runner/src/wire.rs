//! Run events as they are stored, and what this role reads of cd-manager's; the only place that
//! knows both forms.

use decider::Decider as _;
use eventlog::{Codec, Consumed, EventRecord, Stored, UnknownEvent};
use ids::{Digest, Oid, Uuid, Version};
use prost::Message;
use proto::delivery::v1 as delivery;
use proto::run::v1 as pb;

use crate::domain::run::{Event, Run, Subject};
use crate::process::{Fact, Image};

/// What the name of every event of this role begins with.
pub const PACKAGE: &str = "towpath.run.v1.";
const OPENED: &str = "towpath.delivery.v1.DeploymentCreated";
const COMMITTED: &str = "towpath.delivery.v1.ManifestCommitted";
/// The aggregate kind of cd-manager's deployments.
const DEPLOYMENT: &str = "deployment";

/// What this role does about events of others.
pub const CONSUMES: &[Consumed] = &[
    Consumed {
        event: OPENED,
        what: "remembers which image the deployment brings",
    },
    Consumed {
        event: COMMITTED,
        what: "makes the environment run the image as the manifests say at that commit, and records how the run ended",
    },
];

impl Codec for Run {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        let (name, payload) = match event {
            Event::Started(subject) => ("RunStarted", started(subject).encode_to_vec()),
            Event::Succeeded { url, message } => {
                let message = pb::RunSucceeded {
                    url: url.clone(),
                    message: message.clone(),
                };
                ("RunSucceeded", message.encode_to_vec())
            }
            Event::Failed { message, output } => {
                let message = pb::RunFailed {
                    message: message.clone(),
                    output: output.clone(),
                };
                ("RunFailed", message.encode_to_vec())
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
            (Some("RunStarted"), 1) => {
                let it: pb::RunStarted = message(record)?;
                Ok(Event::Started(Subject {
                    deployment: uuid(record, &it.deployment_id)?,
                    environment: it.environment,
                    application: it.application,
                    version: Version::parse(&it.version).map_err(|_| unknown(record))?,
                    digest: Digest::parse(&it.digest).map_err(|_| unknown(record))?,
                    manifest_commit: Oid::parse(&it.manifest_commit)
                        .map_err(|_| unknown(record))?,
                    target: it.target,
                    attempt: it.attempt,
                }))
            }
            (Some("RunSucceeded"), 1) => {
                let it: pb::RunSucceeded = message(record)?;
                Ok(Event::Succeeded {
                    url: it.url,
                    message: it.message,
                })
            }
            (Some("RunFailed"), 1) => {
                let it: pb::RunFailed = message(record)?;
                Ok(Event::Failed {
                    message: it.message,
                    output: it.output,
                })
            }
            _ => Err(unknown(record)),
        }
    }
}

fn started(subject: &Subject) -> pb::RunStarted {
    pb::RunStarted {
        deployment_id: subject.deployment.as_bytes().to_vec().into(),
        environment: subject.environment.clone(),
        application: subject.application.clone(),
        version: subject.version.to_string(),
        digest: subject.digest.to_string(),
        manifest_commit: subject.manifest_commit.to_string(),
        target: subject.target.clone(),
        attempt: subject.attempt,
    }
}

/// What a commit means here; most of other roles' commits mean nothing.
pub(crate) fn facts(stored: &Stored) -> Result<Vec<Fact>, UnknownEvent> {
    let aggregate = &stored.commit.aggregate;
    let mut facts = Vec::new();
    for record in &stored.commit.events {
        if aggregate.kind() == Run::KIND {
            facts.push(Fact::Run(aggregate.id(), Run::decode(record)?));
        } else if aggregate.kind() == DEPLOYMENT {
            facts.extend(deployment(aggregate.id(), record)?);
        }
    }
    Ok(facts)
}

fn deployment(id: Uuid, record: &EventRecord) -> Result<Option<Fact>, UnknownEvent> {
    match (record.kind.as_str(), record.schema) {
        (OPENED, 1) => {
            let it: delivery::DeploymentCreated = message(record)?;
            let image = Image {
                application: it.application,
                version: Version::parse(&it.version).map_err(|_| unknown(record))?,
                digest: Digest::parse(&it.digest).map_err(|_| unknown(record))?,
                registries: it.registries,
            };
            Ok(Some(Fact::Opened {
                deployment: id,
                image,
            }))
        }
        (COMMITTED, 1) => {
            let it: delivery::ManifestCommitted = message(record)?;
            Ok(Some(Fact::Committed {
                deployment: id,
                environment: it.environment,
                commit: Oid::parse(&it.commit).map_err(|_| unknown(record))?,
                attempt: it.attempt,
            }))
        }
        (OPENED | COMMITTED, _) => Err(unknown(record)),
        _ => Ok(None),
    }
}

fn message<M: Message + Default>(record: &EventRecord) -> Result<M, UnknownEvent> {
    M::decode(record.payload.clone()).map_err(|_| unknown(record))
}

fn uuid(record: &EventRecord, bytes: &[u8]) -> Result<Uuid, UnknownEvent> {
    Uuid::from_slice(bytes).map_err(|_| unknown(record))
}

fn unknown(record: &EventRecord) -> UnknownEvent {
    UnknownEvent::new(
        record,
        "not an event that this binary knows, or a field that cannot be read",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use golden::Golden;

    #[test]
    fn stored_events_mean_what_they_meant() {
        let golden = Golden::of_this_project();
        let started = Event::Started(Subject {
            deployment: Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
            environment: "development".to_owned(),
            application: "storefront".to_owned(),
            version: Version::parse("v1.2.0").unwrap(),
            digest: Digest::of(b"storefront v1.2.0"),
            manifest_commit: Oid::parse(&"c0".repeat(20)).unwrap(),
            target: "PROCESS".to_owned(),
            attempt: 2,
        });
        let succeeded = Event::Succeeded {
            url: "http://127.0.0.1:20001/".to_owned(),
            message: "process 4711".to_owned(),
        };
        let failed = Event::Failed {
            message: "GET /healthz answered 500: cannot reach the database".to_owned(),
            output: "listening\ncannot reach the database\n".to_owned(),
        };
        let checked = [started, succeeded, failed]
            .iter()
            .map(|event| golden.check::<Run>(event).unwrap())
            .collect();
        assert_eq!(golden.names("towpath.run.v1").unwrap(), checked);
    }

    #[test]
    fn what_it_consumes_of_others_is_what_its_fold_takes_in() {
        let takes = |stored: &Stored| Ok(!facts(stored)?.is_empty());
        let taken = Golden::of_this_project()
            .consumed(crate::ROLE, takes)
            .unwrap();
        let listed = CONSUMES.iter().map(|it| it.event.to_owned()).collect();
        assert_eq!(taken, listed);
    }
}
