//! What was found out about a change: decided here, found elsewhere.

pub mod changelog;
