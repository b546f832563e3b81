//! Repositories as git itself makes them.

#![expect(clippy::unwrap_used, reason = "a failing test may panic")]

mod between;
mod branches;
mod changes;
mod made;
mod reach;
mod tags;
