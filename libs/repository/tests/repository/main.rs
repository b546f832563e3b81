//! Repositories as git itself makes them.

#![expect(clippy::unwrap_used, reason = "a failing test may panic")]

mod branches;
mod made;
mod reach;
mod tags;
