//! Changelog events as they are stored, and what this role reads of cd-manager's; the only place
//! that knows both forms.

use decider::Decider as _;
use eventlog::{Codec, Consumed, EventRecord, Stored, UnknownEvent};
use ids::{Oid, Uuid};
use prost::Message;
use proto::changelog::v1 as pb;
use proto::delivery::v1 as delivery;

use crate::domain::changelog::{Change, Changelogs, Content, Event, Point, Side, Unavailable};
use crate::process::{Fact, Opened};

/// What the name of every event of this role begins with.
pub const PACKAGE: &str = "towpath.changelog.v1.";
const GENERATED: &str = "towpath.changelog.v1.ChangelogGenerated";
const UNAVAILABLE: &str = "towpath.changelog.v1.ChangelogUnavailable";
const OPENED: &str = "towpath.delivery.v1.DeploymentCreated";
const RUNS: &str = "towpath.delivery.v1.EnvironmentSucceeded";
/// The aggregate kind of cd-manager's deployments.
const DEPLOYMENT: &str = "deployment";

/// What this role does about events of others.
pub const CONSUMES: &[Consumed] = &[
    Consumed {
        event: OPENED,
        what: "writes the deployment's changelog, against what its first environment runs",
    },
    Consumed {
        event: RUNS,
        what: "remembers what the environment runs, for the changelogs to come",
    },
];

impl Codec for Changelogs {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        let (kind, payload) = match event {
            Event::Generated(it) => (GENERATED, generated(it).encode_to_vec()),
            Event::Unavailable(it) => {
                let message = pb::ChangelogUnavailable {
                    deployment_id: bytes(it.deployment),
                    application: it.application.clone(),
                    code: it.code.clone(),
                    why: it.why.clone(),
                };
                (UNAVAILABLE, message.encode_to_vec())
            }
        };
        EventRecord {
            kind: kind.to_owned(),
            schema: 1,
            payload: payload.into(),
        }
    }

    fn decode(record: &EventRecord) -> Result<Event, UnknownEvent> {
        match (record.kind.as_str(), record.schema) {
            (GENERATED, 1) => content(record, message(record)?).map(Event::Generated),
            (UNAVAILABLE, 1) => {
                let it: pb::ChangelogUnavailable = message(record)?;
                Ok(Event::Unavailable(Unavailable {
                    deployment: uuid(record, &it.deployment_id)?,
                    application: it.application,
                    code: it.code,
                    why: it.why,
                }))
            }
            _ => Err(unknown(record)),
        }
    }
}

fn generated(it: &Content) -> pb::ChangelogGenerated {
    let (from_version, from_commit) = match &it.from {
        Some(from) => (from.version.clone(), from.commit.to_string()),
        None => Default::default(),
    };
    pb::ChangelogGenerated {
        deployment_id: bytes(it.deployment),
        application: it.application.clone(),
        from_version,
        from_commit,
        to_version: it.to.version.clone(),
        to_commit: it.to.commit.to_string(),
        added_count: it.added.count,
        removed_count: it.removed.count,
        added: it.added.newest.iter().map(change).collect(),
        removed: it.removed.newest.iter().map(change).collect(),
        digest: it.digest().to_string(),
    }
}

fn change(it: &Change) -> pb::Change {
    pb::Change {
        commit: it.commit.to_string(),
        subject: it.subject.clone(),
        author_name: it.author_name.clone(),
        author_email: it.author_email.clone(),
        committed_at_us: it.committed_at_us,
    }
}

/// What was written once has the digest that was written with it.
fn content(record: &EventRecord, it: pb::ChangelogGenerated) -> Result<Content, UnknownEvent> {
    let oid = |text: &str| Oid::parse(text).map_err(|_| unknown(record));
    let side = |count: u64, newest: Vec<pb::Change>| -> Result<Side, UnknownEvent> {
        let newest = newest.into_iter().map(|it| {
            Ok(Change {
                commit: oid(&it.commit)?,
                subject: it.subject,
                author_name: it.author_name,
                author_email: it.author_email,
                committed_at_us: it.committed_at_us,
            })
        });
        Ok(Side {
            count,
            newest: newest.collect::<Result<_, UnknownEvent>>()?,
        })
    };
    let from = match it.from_commit.as_str() {
        "" => None,
        commit => Some(Point {
            version: it.from_version,
            commit: oid(commit)?,
        }),
    };
    let content = Content {
        deployment: uuid(record, &it.deployment_id)?,
        application: it.application,
        from,
        to: Point {
            version: it.to_version,
            commit: oid(&it.to_commit)?,
        },
        added: side(it.added_count, it.added)?,
        removed: side(it.removed_count, it.removed)?,
    };
    if content.digest().as_str() == it.digest {
        Ok(content)
    } else {
        Err(unknown(record))
    }
}

/// What a commit means here; most of other roles' commits mean nothing.
pub(crate) fn facts(stored: &Stored) -> Result<Vec<Fact>, UnknownEvent> {
    let aggregate = &stored.commit.aggregate;
    let mut facts = Vec::new();
    for record in &stored.commit.events {
        if aggregate.kind() == Changelogs::KIND {
            let deployment = match Changelogs::decode(record)? {
                Event::Generated(it) => it.deployment,
                Event::Unavailable(it) => it.deployment,
            };
            facts.push(Fact::Written(deployment));
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
            let commit = match it.commit.as_str() {
                "" => None,
                text => Some(Oid::parse(text).map_err(|_| unknown(record))?),
            };
            let first = it.stages.into_iter().flat_map(|it| it.environments).next();
            Ok(Some(Fact::Opened(Opened {
                deployment: id,
                application: it.application,
                environment: first.unwrap_or_default(),
                definition: it.definition,
                version: it.version,
                commit,
            })))
        }
        (RUNS, 1) => {
            let it: delivery::EnvironmentSucceeded = message(record)?;
            Ok(Some(Fact::Runs {
                deployment: id,
                environment: it.environment,
            }))
        }
        (OPENED | RUNS, _) => Err(unknown(record)),
        _ => Ok(None),
    }
}

fn message<M: Message + Default>(record: &EventRecord) -> Result<M, UnknownEvent> {
    M::decode(record.payload.clone()).map_err(|_| unknown(record))
}

fn uuid(record: &EventRecord, bytes: &[u8]) -> Result<Uuid, UnknownEvent> {
    Uuid::from_slice(bytes).map_err(|_| unknown(record))
}

fn bytes(id: Uuid) -> prost::bytes::Bytes {
    id.as_bytes().to_vec().into()
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

    fn oid(digit: &str) -> Oid {
        Oid::parse(&digit.repeat(40)).unwrap()
    }

    fn content() -> Content {
        let one = |digit: &str, subject: &str| Change {
            commit: oid(digit),
            subject: subject.to_owned(),
            author_name: "Wilma Person".to_owned(),
            author_email: "wilma@example.com".to_owned(),
            committed_at_us: 1_763_640_000_000_000,
        };
        Content {
            deployment: Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
            application: "storefront".to_owned(),
            from: Some(Point {
                version: "v1.1.0".to_owned(),
                commit: oid("a"),
            }),
            to: Point {
                version: "v1.2.0".to_owned(),
                commit: oid("c"),
            },
            added: Side {
                count: 7,
                newest: vec![one("c", "feat: a cart"), one("b", "fix: the cart")],
            },
            removed: Side {
                count: 1,
                newest: vec![one("a", "feat: no cart")],
            },
        }
    }

    #[test]
    fn stored_events_mean_what_they_meant() {
        let golden = Golden::of_this_project();
        let given_up = Event::Unavailable(Unavailable {
            deployment: content().deployment,
            application: "storefront".to_owned(),
            code: "no-commit".to_owned(),
            why: "the report of v1.2.0 named no commit".to_owned(),
        });
        let checked = [Event::Generated(content()), given_up]
            .iter()
            .map(|event| golden.check::<Changelogs>(event).unwrap())
            .collect();
        assert_eq!(
            golden.names(PACKAGE.trim_end_matches('.')).unwrap(),
            checked
        );
    }

    #[test]
    fn a_changelog_that_is_not_what_its_digest_says_is_unknown() {
        let mut message = generated(&content());
        message.added_count = 8;
        let record = EventRecord {
            kind: GENERATED.to_owned(),
            schema: 1,
            payload: message.encode_to_vec().into(),
        };
        assert!(Changelogs::decode(&record).is_err());
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
