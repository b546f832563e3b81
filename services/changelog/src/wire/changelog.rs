//! Changelog events. Form 1 of `ChangelogGenerated` kept subjects only; it is read as what those
//! say, under the digest that it was written with.

use eventlog::{Codec, EventRecord, UnknownEvent};
use ids::{Digest, Oid};
use prost::Message as _;
use proto::changelog::v1 as pb;
use proto::found;
use versioning::changelog::{Changes, Commit, Draft, End, Person, Range};

use super::{bytes, message, oid, told_oid, unknown, uuid};
use crate::domain::changelog::{Changelogs, Content, Event, Subject, Unavailable};

const GENERATED: &str = "towpath.changelog.v1.ChangelogGenerated";
const UNAVAILABLE: &str = "towpath.changelog.v1.ChangelogUnavailable";
const RANGE_GENERATED: &str = "towpath.changelog.v1.RangeGenerated";
const RANGE_UNAVAILABLE: &str = "towpath.changelog.v1.RangeUnavailable";

impl Codec for Changelogs {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        let (kind, schema, payload) = match event {
            Event::Generated(it) => generated(it),
            Event::Unavailable(it) => unavailable(it),
        };
        EventRecord {
            kind: kind.to_owned(),
            schema,
            payload: payload.into(),
        }
    }

    fn decode(record: &EventRecord) -> Result<Event, UnknownEvent> {
        let found = |it: Content| Event::Generated(Box::new(it));
        match (record.kind.as_str(), record.schema) {
            (GENERATED, 1) => first_form(record, message(record)?).map(found),
            (GENERATED, 2) => of_deployment(record, message(record)?).map(found),
            (RANGE_GENERATED, 1) => of_range(record, message(record)?).map(found),
            (UNAVAILABLE, 1) => {
                let it: pb::ChangelogUnavailable = message(record)?;
                Ok(Event::Unavailable(Unavailable {
                    subject: Subject::Deployment(uuid(record, &it.deployment_id)?),
                    application: it.application,
                    range: None,
                    code: it.code,
                    why: it.why,
                }))
            }
            (RANGE_UNAVAILABLE, 1) => {
                let it: pb::RangeUnavailable = message(record)?;
                let from = told_oid(record, &it.from_commit)?;
                Ok(Event::Unavailable(Unavailable {
                    subject: Subject::Range {
                        definition: it.definition,
                    },
                    application: it.application,
                    range: Some((from, oid(record, &it.to_commit)?)),
                    code: it.code,
                    why: it.why,
                }))
            }
            _ => Err(unknown(record)),
        }
    }
}

fn generated(it: &Content) -> (&'static str, u32, Vec<u8>) {
    let from = it.changelog.from.as_ref();
    let from_commit = from.map(|it| it.oid.to_string()).unwrap_or_default();
    let to_commit = it.changelog.to.oid.to_string();
    let found = Some(found::to_wire(&it.changelog));
    let digest = it.digest.to_string();
    match &it.subject {
        Subject::Deployment(id) => {
            let message = pb::ChangelogGenerated {
                deployment_id: bytes(*id),
                application: it.application.clone(),
                from_version: from.map(|it| it.revision.clone()).unwrap_or_default(),
                from_commit,
                to_version: it.changelog.to.revision.clone(),
                to_commit,
                added_count: it.changelog.added.count(),
                removed_count: it.changelog.removed.count(),
                added: vec![],
                removed: vec![],
                digest,
                found,
            };
            (GENERATED, 2, message.encode_to_vec())
        }
        Subject::Range { definition } => {
            let message = pb::RangeGenerated {
                definition: definition.clone(),
                application: it.application.clone(),
                from_commit,
                to_commit,
                found,
                digest,
            };
            (RANGE_GENERATED, 1, message.encode_to_vec())
        }
    }
}

fn unavailable(it: &Unavailable) -> (&'static str, u32, Vec<u8>) {
    let (application, code, why) = (it.application.clone(), it.code.clone(), it.why.clone());
    match &it.subject {
        Subject::Deployment(id) => {
            let message = pb::ChangelogUnavailable {
                deployment_id: bytes(*id),
                application,
                code,
                why,
            };
            (UNAVAILABLE, 1, message.encode_to_vec())
        }
        Subject::Range { definition } => {
            let (from, to) = it.range.clone().unzip();
            let text = |it: Option<Oid>| it.map(|it| it.to_string()).unwrap_or_default();
            let message = pb::RangeUnavailable {
                definition: definition.clone(),
                application,
                from_commit: text(from.flatten()),
                to_commit: text(to),
                code,
                why,
            };
            (RANGE_UNAVAILABLE, 1, message.encode_to_vec())
        }
    }
}

fn of_deployment(
    record: &EventRecord,
    it: pb::ChangelogGenerated,
) -> Result<Content, UnknownEvent> {
    let (from, to) = ends(record, &it)?;
    let found = it.found.ok_or_else(|| unknown(record))?;
    let changelog = found::from_wire(found, from, to).map_err(|_| unknown(record))?;
    let subject = Subject::Deployment(uuid(record, &it.deployment_id)?);
    let content = Content::found(subject, it.application, changelog);
    let counts = (
        content.changelog.added.count(),
        content.changelog.removed.count(),
    );
    if counts != (it.added_count, it.removed_count) {
        return Err(unknown(record));
    }
    checked(record, content, &it.digest)
}

fn of_range(record: &EventRecord, it: pb::RangeGenerated) -> Result<Content, UnknownEvent> {
    let nameless = |oid: Oid| End {
        revision: String::new(),
        oid,
    };
    let from = told_oid(record, &it.from_commit)?.map(nameless);
    let to = nameless(oid(record, &it.to_commit)?);
    let found = it.found.ok_or_else(|| unknown(record))?;
    let changelog = found::from_wire(found, from, to).map_err(|_| unknown(record))?;
    let subject = Subject::Range {
        definition: it.definition,
    };
    let content = Content::found(subject, it.application, changelog);
    checked(record, content, &it.digest)
}

/// What was written once has the digest that was written with it.
fn checked(record: &EventRecord, content: Content, digest: &str) -> Result<Content, UnknownEvent> {
    if content.digest.as_str() == digest {
        Ok(content)
    } else {
        Err(unknown(record))
    }
}

fn ends(
    record: &EventRecord,
    it: &pb::ChangelogGenerated,
) -> Result<(Option<End>, End), UnknownEvent> {
    let end = |version: &str, oid: Oid| End {
        revision: version.to_owned(),
        oid,
    };
    let from = told_oid(record, &it.from_commit)?;
    Ok((
        from.map(|oid| end(&it.from_version, oid)),
        end(&it.to_version, oid(record, &it.to_commit)?),
    ))
}

/// Form 1: what the subjects say, and how many more there were.
fn first_form(record: &EventRecord, it: pb::ChangelogGenerated) -> Result<Content, UnknownEvent> {
    let (from, to) = ends(record, &it)?;
    let subject = uuid(record, &it.deployment_id)?;
    if first_digest(subject, &it, from.as_ref(), &to).as_str() != it.digest {
        return Err(unknown(record));
    }
    let read = |all: Vec<pb::Change>| -> Result<Vec<Commit>, UnknownEvent> {
        let all = all.into_iter().map(|it| {
            Ok(Commit {
                oid: oid(record, &it.commit)?,
                parents: Vec::new(),
                message: it.subject,
                author: Person {
                    name: it.author_name,
                    email: it.author_email,
                },
                committed_at: it.committed_at_us.div_euclid(1_000_000),
            })
        });
        all.collect()
    };
    let more = |count: u64, told: &[pb::Change]| count.saturating_sub(told.len() as u64);
    let more = (
        more(it.added_count, &it.added),
        more(it.removed_count, &it.removed),
    );
    let range = Range {
        from,
        to,
        added: read(it.added)?,
        removed: read(it.removed)?,
    };
    let mut changelog = Draft::read(range).finish(&Changes::default(), None);
    changelog.added.untold.unsorted = more.0;
    changelog.removed.untold.unsorted = more.1;
    Ok(Content {
        subject: Subject::Deployment(subject),
        application: it.application,
        changelog,
        digest: Digest::parse(&it.digest).map_err(|_| unknown(record))?,
        is_whole: false,
    })
}

/// The digest as it was over form 1.
fn first_digest(
    deployment: ids::Uuid,
    it: &pb::ChangelogGenerated,
    from: Option<&End>,
    to: &End,
) -> Digest {
    let mut text = format!("{deployment}\n{}\n", it.application);
    for end in from.into_iter().chain([to]) {
        text.extend([end.revision.as_str(), "\n", end.oid.as_str(), "\n"]);
    }
    for (count, newest) in [(it.added_count, &it.added), (it.removed_count, &it.removed)] {
        text.extend([count.to_string(), "\n".to_owned()]);
        for it in newest {
            text.extend([format!(
                "{}\0{}\0{}\0{}\0{}\n",
                it.commit, it.committed_at_us, it.author_name, it.author_email, it.subject
            )]);
        }
    }
    Digest::of(text.as_bytes())
}
