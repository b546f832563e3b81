//! Repositories as git itself makes them.

#![expect(clippy::unwrap_used, reason = "a failing test may panic")]

mod between;
mod branches;
mod changes;
mod clones;
mod made;
mod many;
mod paths;
mod reach;
mod tags;
