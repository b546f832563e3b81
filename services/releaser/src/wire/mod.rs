//! Release events as they are stored, and what this role reads of cd-manager's; the only place
//! that knows both forms.

mod commit_version;
mod delivery;
mod release;
mod version;

pub use delivery::CONSUMES;

use decider::Decider as _;
use eventlog::{Codec as _, EventRecord, Stored, UnknownEvent};
use ids::{Digest, Oid, Uuid, Version as Tag};
use prost::Message;

use crate::domain::release::Releases;
use crate::process::Fact;

/// What the name of every event of this role begins with.
pub const PACKAGE: &str = "towpath.release.v1.";
/// The aggregate kind of cd-manager's deployments.
const DEPLOYMENT: &str = "deployment";
/// The aggregate kind of cd-manager's builds.
const BUILD: &str = "build";

/// What a commit means here; most of other roles' commits mean nothing.
pub(crate) fn facts(stored: &Stored) -> Result<Vec<Fact>, UnknownEvent> {
    let commit = &stored.commit;
    let id = commit.aggregate.id();
    let mut facts = Vec::new();
    for record in &commit.events {
        match commit.aggregate.kind() {
            Releases::KIND => facts.push(Fact::Release {
                id,
                at_us: commit.recorded_at_us,
                actor: commit.actor.clone(),
                event: Releases::decode(record)?,
            }),
            DEPLOYMENT => facts.extend(delivery::deployment(id, record)?),
            BUILD => facts.extend(delivery::build(id, record)?),
            _ => {}
        }
    }
    Ok(facts)
}

fn record(name: &str, message: &impl Message) -> EventRecord {
    EventRecord {
        kind: format!("{PACKAGE}{name}"),
        schema: 1,
        payload: message.encode_to_vec().into(),
    }
}

fn message<M: Message + Default>(record: &EventRecord) -> Result<M, UnknownEvent> {
    M::decode(record.payload.clone()).map_err(|_| unknown(record))
}

/// Reads fields of one record; anything that cannot be a valid value makes the record unknown.
struct Fields<'a>(&'a EventRecord);

impl Fields<'_> {
    fn uuid(&self, bytes: &[u8]) -> Result<Uuid, UnknownEvent> {
        Uuid::from_slice(bytes).map_err(|_| unknown(self.0))
    }

    fn tag(&self, text: &str) -> Result<Tag, UnknownEvent> {
        Tag::parse(text).map_err(|_| unknown(self.0))
    }

    fn digest(&self, text: &str) -> Result<Digest, UnknownEvent> {
        Digest::parse(text).map_err(|_| unknown(self.0))
    }

    fn oid(&self, text: &str) -> Result<Oid, UnknownEvent> {
        Oid::parse(text).map_err(|_| unknown(self.0))
    }

    fn opt_oid(&self, text: &str) -> Result<Option<Oid>, UnknownEvent> {
        if text.is_empty() {
            return Ok(None);
        }
        self.oid(text).map(Some)
    }
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
mod tests;
