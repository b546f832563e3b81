//! Versions of commits.

use eventlog::{Codec, EventRecord, UnknownEvent};
use proto::release::v1 as pb;

use super::{Fields, PACKAGE, message, record, unknown};
use crate::domain::commit_version::{CommitVersions, Settled};

impl Codec for CommitVersions {
    type Event = Settled;

    fn encode(event: &Settled) -> EventRecord {
        record(
            "CommitVersionSettled",
            &pb::CommitVersionSettled {
                repository: event.repository.clone(),
                commit: event.commit.to_string(),
                channel: event.channel.clone(),
                prefix: event.prefix.clone(),
                version: event.version.clone(),
            },
        )
    }

    fn decode(stored: &EventRecord) -> Result<Settled, UnknownEvent> {
        let name = stored.kind.strip_prefix(PACKAGE);
        if (name, stored.schema) != (Some("CommitVersionSettled"), 1) {
            return Err(unknown(stored));
        }
        let it: pb::CommitVersionSettled = message(stored)?;
        Ok(Settled {
            commit: Fields(stored).oid(&it.commit)?,
            repository: it.repository,
            channel: it.channel,
            prefix: it.prefix,
            version: it.version,
        })
    }
}
