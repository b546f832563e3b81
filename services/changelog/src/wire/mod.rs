//! Changelog events as they are stored, and what this role reads of the others'; the only place
//! that knows both forms.

mod changelog;
mod delivery;
mod release;
#[cfg(test)]
mod tests;

use decider::Decider as _;
use eventlog::{Codec as _, Consumed, EventRecord, Stored, UnknownEvent};
use ids::{Oid, Uuid};
use prost::Message;

use crate::domain::changelog::{Changelogs, Event, Subject};
use crate::process::Fact;

/// What the name of every event of this role begins with.
pub const PACKAGE: &str = "towpath.changelog.v1.";
/// The aggregate kind of cd-manager's deployments.
const DEPLOYMENT: &str = "deployment";
/// The aggregate kind of the releaser's releases.
const RELEASE: &str = "release";

/// What this role does about events of others.
pub const CONSUMES: &[Consumed] = &[
    Consumed {
        event: delivery::OPENED,
        what: "writes the deployment's changelog, against what its first environment runs",
    },
    Consumed {
        event: delivery::RUNS,
        what: "remembers what the environment runs, for the changelogs to come; writes what lies between that and what a release brings",
    },
    Consumed {
        event: release::CREATED,
        what: "remembers the release by its name; compares failed ones of the same set no further",
    },
    Consumed {
        event: release::BEGUN,
        what: "writes what lies between what every environment runs and what the pass brings",
    },
    Consumed {
        event: release::NUMBERED,
        what: "remembers the release by the tag of the pass",
    },
    Consumed {
        event: release::REFUSED,
        what: "keeps what the environments run now as what the pass is compared with",
    },
    Consumed {
        event: release::SUCCEEDED,
        what: "knows that the release came everywhere",
    },
    Consumed {
        event: release::FAILED,
        what: "where nobody can take it up again, keeps what the environments run now as what the pass is compared with",
    },
    Consumed {
        event: release::RESUMED,
        what: "compares the pass with what the environments run from then on",
    },
];

/// What a commit means here; most of other roles' commits mean nothing.
pub(crate) fn facts(stored: &Stored) -> Result<Vec<Fact>, UnknownEvent> {
    let commit = &stored.commit;
    let id = commit.aggregate.id();
    let mut facts = Vec::new();
    for record in &commit.events {
        match commit.aggregate.kind() {
            Changelogs::KIND => facts.push(written(id, &Changelogs::decode(record)?)),
            DEPLOYMENT => facts.extend(delivery::fact(id, commit.recorded_at_us, record)?),
            RELEASE => facts.extend(release::news(record)?.map(|it| Fact::Release(id, it))),
            _ => {}
        }
    }
    Ok(facts)
}

fn written(id: Uuid, event: &Event) -> Fact {
    let (subject, is_whole) = match event {
        Event::Generated(it) => (&it.subject, it.is_whole),
        // Another one, for a release, may be able to say it.
        Event::Unavailable(it) => (&it.subject, false),
    };
    match subject {
        Subject::Deployment(deployment) => Fact::Written {
            deployment: *deployment,
            is_whole,
        },
        Subject::Range { .. } => Fact::RangeWritten(id),
    }
}

fn message<M: Message + Default>(record: &EventRecord) -> Result<M, UnknownEvent> {
    M::decode(record.payload.clone()).map_err(|_| unknown(record))
}

fn uuid(record: &EventRecord, bytes: &[u8]) -> Result<Uuid, UnknownEvent> {
    Uuid::from_slice(bytes).map_err(|_| unknown(record))
}

fn oid(record: &EventRecord, text: &str) -> Result<Oid, UnknownEvent> {
    Oid::parse(text).map_err(|_| unknown(record))
}

/// A commit that may not be told.
fn told_oid(record: &EventRecord, text: &str) -> Result<Option<Oid>, UnknownEvent> {
    let told = Some(text).filter(|it| !it.is_empty());
    told.map(|it| oid(record, it)).transpose()
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
