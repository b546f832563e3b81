//! Repositories as git itself makes them.

mod branches;
#![expect(clippy::unwrap_used, reason = "a failing test may panic")]

mod made;
mod reach;
mod tags;
