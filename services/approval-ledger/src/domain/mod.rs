//! Who approved exactly which plan: decided here, done elsewhere. Pure.

pub mod approval;
