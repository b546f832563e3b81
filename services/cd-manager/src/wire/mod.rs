//! Domain events as they are stored: the only place that knows both forms. Names and numbers
//! here never change; what changes gets a new schema number and an upcaster.

mod approval;
mod build;
mod deployment;
mod facts;
mod release;
mod review;
mod run;
mod scope;
mod slot;

pub(crate) use approval::told as approval_told;
pub(crate) use facts::facts;
pub(crate) use release::told as release_told;
pub(crate) use run::told as run_told;

use eventlog::{EventRecord, UnknownEvent};
use ids::{Digest, Oid, Uuid, Version};
use proto::delivery::v1 as pb;
use proto::policy;

use crate::domain::hold::{Hold, Source};
use crate::domain::track::Stage;

/// Prefix of every event of this role.
const PACKAGE: &str = "towpath.delivery.v1.";

fn record(name: &str, message: &impl prost::Message) -> EventRecord {
    EventRecord {
        kind: format!("{PACKAGE}{name}"),
        schema: 1,
        payload: message.encode_to_vec().into(),
    }
}

/// The message name of a stored event of this role, at the only schema there is so far.
fn name(record: &EventRecord) -> Result<&str, UnknownEvent> {
    match (record.kind.strip_prefix(PACKAGE), record.schema) {
        (Some(name), 1) => Ok(name),
        _ => Err(UnknownEvent::new(
            record,
            "not an event of this role, or a field that cannot be read",
        )),
    }
}

fn message<M: prost::Message + Default>(record: &EventRecord) -> Result<M, UnknownEvent> {
    M::decode(record.payload.clone()).map_err(|_| {
        UnknownEvent::new(
            record,
            "not an event of this role, or a field that cannot be read",
        )
    })
}

/// Reads fields of one record; anything that cannot be a valid value makes the record unknown.
struct Fields<'a>(&'a EventRecord);

impl Fields<'_> {
    fn wrong(&self) -> UnknownEvent {
        UnknownEvent::new(
            self.0,
            "not an event of this role, or a field that cannot be read",
        )
    }

    fn uuid(&self, bytes: &[u8]) -> Result<Uuid, UnknownEvent> {
        Uuid::from_slice(bytes).map_err(|_| self.wrong())
    }

    fn opt_uuid(&self, bytes: &[u8]) -> Result<Option<Uuid>, UnknownEvent> {
        if bytes.is_empty() {
            Ok(None)
        } else {
            self.uuid(bytes).map(Some)
        }
    }

    fn version(&self, text: &str) -> Result<Version, UnknownEvent> {
        Version::parse(text).map_err(|_| self.wrong())
    }

    fn digest(&self, text: &str) -> Result<Digest, UnknownEvent> {
        Digest::parse(text).map_err(|_| self.wrong())
    }

    fn opt_digest(&self, text: &str) -> Result<Option<Digest>, UnknownEvent> {
        if text.is_empty() {
            Ok(None)
        } else {
            self.digest(text).map(Some)
        }
    }

    fn oid(&self, text: &str) -> Result<Oid, UnknownEvent> {
        Oid::parse(text).map_err(|_| self.wrong())
    }

    fn opt_oid(&self, text: &str) -> Result<Option<Oid>, UnknownEvent> {
        if text.is_empty() {
            Ok(None)
        } else {
            self.oid(text).map(Some)
        }
    }

    fn word<T>(&self, parsed: Option<T>) -> Result<T, UnknownEvent> {
        parsed.ok_or_else(|| self.wrong())
    }

    fn hold(&self, message: pb::HoldPlaced) -> Result<Hold, UnknownEvent> {
        Ok(Hold {
            id: self.uuid(&message.hold_id)?,
            scope: message.scope,
            subject: message.subject,
            reason: message.reason,
            until_us: (message.until_us != 0).then_some(message.until_us),
            source: self.word(Source::parse(&message.source))?,
        })
    }
}

fn bytes(id: Uuid) -> bytes::Bytes {
    id.as_bytes().to_vec().into()
}

fn opt_bytes(id: Option<Uuid>) -> bytes::Bytes {
    id.map(bytes).unwrap_or_default()
}

fn opt_text(oid: Option<&Oid>) -> String {
    oid.map(|it| it.as_str().to_owned()).unwrap_or_default()
}

fn hold_placed(hold: &Hold) -> pb::HoldPlaced {
    pb::HoldPlaced {
        hold_id: bytes(hold.id),
        scope: hold.scope.clone(),
        subject: hold.subject.clone(),
        reason: hold.reason.clone(),
        until_us: hold.until_us.unwrap_or_default(),
        source: hold.source.as_str().to_owned(),
    }
}

fn stages_to_wire(stages: &[Stage]) -> Vec<pb::Stage> {
    stages
        .iter()
        .map(|it| pb::Stage {
            id: it.id.clone(),
            environments: it.environments.clone(),
            gates: it.gates.clone(),
            approval: it.approval.as_ref().map(policy::to_wire),
        })
        .collect()
}

fn stages_from_wire(
    fields: &Fields<'_>,
    stages: Vec<pb::Stage>,
) -> Result<Vec<Stage>, UnknownEvent> {
    let stage = |it: pb::Stage| {
        let approval = it.approval.map(policy::from_wire);
        Ok(Stage {
            id: it.id,
            environments: it.environments,
            gates: it.gates,
            approval: approval.map(|it| fields.word(it)).transpose()?,
        })
    };
    stages.into_iter().map(stage).collect()
}

#[cfg(test)]
mod tests;
