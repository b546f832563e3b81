//! What is released, under which numbers: decided here, done elsewhere.

pub mod commit_version;
pub mod release;
pub mod version;
