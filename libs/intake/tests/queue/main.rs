//! The queue on a real broker: what is published is answered once, refused with a letter, or kept
//! until it can be answered.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod away;
mod broker;
mod letters;
mod once;
mod people;
mod permissions;
mod settings;
mod world;
