//! Between an aggregate's events and their stored form.

use crate::commit::EventRecord;

/// Encodes and decodes the events of one aggregate. Implemented in `wire.rs` of a service, the
/// only file that knows both forms.
pub trait Codec {
    /// The domain's event.
    type Event;

    /// The stored form.
    fn encode(event: &Self::Event) -> EventRecord;

    /// The event, from any schema version that was ever stored.
    fn decode(record: &EventRecord) -> Result<Self::Event, UnknownEvent>;
}

/// An event that this binary does not know. It is never skipped: skipping would show a state
/// that never was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown event `{kind}` schema {schema}: {why}; run a binary at least as new as the one that wrote it"
)]
pub struct UnknownEvent {
    /// The full name of the message.
    pub kind: String,
    /// Its schema version.
    pub schema: u32,
    /// What is wrong with it.
    pub why: String,
}

impl UnknownEvent {
    /// Names the record that could not be decoded, and why.
    pub fn new(record: &EventRecord, why: impl Into<String>) -> Self {
        Self {
            kind: record.kind.clone(),
            schema: record.schema,
            why: why.into(),
        }
    }
}
