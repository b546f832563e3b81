//! What was applied and what came of it: decided here, done elsewhere.

pub mod run;
