//! What is released, under which numbers: decided here, done elsewhere.

pub mod release;
pub mod version;
