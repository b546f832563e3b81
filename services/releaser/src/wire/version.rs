//! Reservations.

use eventlog::{Codec, EventRecord, UnknownEvent};
use proto::release::v1 as pb;

use super::{Fields, PACKAGE, bytes, message, record, unknown};
use crate::domain::version::{Key, Reserved, Version};

impl Codec for Version {
    type Event = Reserved;

    fn encode(event: &Reserved) -> EventRecord {
        let Reserved {
            key,
            number,
            asker,
            commit,
        } = event;
        record(
            "VersionReserved",
            &pb::VersionReserved {
                repository: key.repository.clone(),
                core: key.core.clone(),
                channel: key.channel.clone(),
                number: *number,
                reserved_for: bytes(*asker),
                commit: commit.as_ref().map(ToString::to_string).unwrap_or_default(),
            },
        )
    }

    fn decode(stored: &EventRecord) -> Result<Reserved, UnknownEvent> {
        let name = stored.kind.strip_prefix(PACKAGE);
        if (name, stored.schema) != (Some("VersionReserved"), 1) {
            return Err(unknown(stored));
        }
        let it: pb::VersionReserved = message(stored)?;
        Ok(Reserved {
            asker: Fields(stored).uuid(&it.reserved_for)?,
            number: it.number,
            commit: Fields(stored).opt_oid(&it.commit)?,
            key: Key {
                repository: it.repository,
                core: it.core,
                channel: it.channel,
            },
        })
    }
}
