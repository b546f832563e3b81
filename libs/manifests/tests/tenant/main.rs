//! The tenant repository of the fixtures: what it answers, what is found when it is broken, and
//! what the schemas say about it.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the finding")]

mod answers;
mod broken;
mod scaffold;
mod schema;
mod support;
