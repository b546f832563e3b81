//! Events of the scopes above a slot.

use eventlog::{Codec, EventRecord, UnknownEvent};
use proto::delivery::v1 as pb;

use super::{Fields, bytes, hold_placed, message, name, record};
use crate::domain::scope::{Event, Scope};

impl Codec for Scope {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        match event {
            Event::Placed(hold) => record("HoldPlaced", &hold_placed(hold)),
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
            "HoldPlaced" => Ok(Event::Placed(fields.hold(message(stored)?)?)),
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
