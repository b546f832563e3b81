//! Identity events as they are stored; the only place that knows both forms.

use eventlog::{Codec, Consumed, EventRecord, UnknownEvent};
use prost::Message as _;
use proto::access::v1 as pb;

use crate::domain::identity::{Event, Identity};

/// What the name of every event about identities begins with.
pub const PACKAGE: &str = "towpath.access.v1.";
const CREATED: &str = "towpath.access.v1.IdentityCreated";
const REVOKED: &str = "towpath.access.v1.IdentityRevoked";

/// What every process does about these events, whatever its roles: its directory follows them.
pub const CONSUMES: &[Consumed] = &[
    Consumed {
        event: CREATED,
        what: "lets in whoever holds the token, and no earlier token of that name",
    },
    Consumed {
        event: REVOKED,
        what: "refuses the token from then on",
    },
];

impl Codec for Identity {
    type Event = Event;

    fn encode(event: &Event) -> EventRecord {
        let (kind, payload) = match event {
            Event::Created {
                name,
                groups,
                is_service,
                token_hash,
                expires_at_us,
            } => {
                let message = pb::IdentityCreated {
                    name: name.clone(),
                    groups: groups.clone(),
                    is_service: *is_service,
                    token_hash: token_hash.to_vec().into(),
                    expires_at_us: expires_at_us.unwrap_or_default(),
                };
                (CREATED, message.encode_to_vec())
            }
            Event::Revoked => (REVOKED, pb::IdentityRevoked {}.encode_to_vec()),
        };
        EventRecord {
            kind: kind.to_owned(),
            schema: 1,
            payload: payload.into(),
        }
    }

    fn decode(record: &EventRecord) -> Result<Event, UnknownEvent> {
        let unknown = || {
            UnknownEvent::new(
                record,
                "not an event of this role, or a field that cannot be read",
            )
        };
        match (record.kind.as_str(), record.schema) {
            (CREATED, 1) => {
                let message =
                    pb::IdentityCreated::decode(record.payload.clone()).map_err(|_| unknown())?;
                Ok(Event::Created {
                    name: message.name,
                    groups: message.groups,
                    is_service: message.is_service,
                    token_hash: message
                        .token_hash
                        .as_ref()
                        .try_into()
                        .map_err(|_| unknown())?,
                    expires_at_us: (message.expires_at_us != 0).then_some(message.expires_at_us),
                })
            }
            (REVOKED, 1) => Ok(Event::Revoked),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use golden::Golden;

    #[test]
    fn stored_events_mean_what_they_meant() {
        let golden = Golden::of_this_project();
        let created = Event::Created {
            name: "ci".to_owned(),
            groups: vec!["ci".to_owned(), "viewer".to_owned()],
            is_service: true,
            token_hash: std::array::from_fn(|at| u8::try_from(at).unwrap()),
            expires_at_us: None,
        };
        let checked = [created, Event::Revoked]
            .iter()
            .map(|event| golden.check::<Identity>(event).unwrap())
            .collect();
        assert_eq!(golden.names("towpath.access.v1").unwrap(), checked);
    }

    #[test]
    fn an_expiry_is_kept() {
        let created = Event::Created {
            name: "ci".to_owned(),
            groups: vec!["ci".to_owned()],
            is_service: true,
            token_hash: [7; 32],
            expires_at_us: Some(1_700_000_000_000_000),
        };
        assert_eq!(
            Identity::decode(&Identity::encode(&created)).unwrap(),
            created
        );
    }
}
