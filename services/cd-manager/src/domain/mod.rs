//! What runs where and what is next: decided here, done elsewhere. Pure: no async, no clock, no
//! IO, no randomness; a tidy rule and a crate that compiles only this hold that.

pub mod build;
pub mod deployment;
pub mod explain;
pub mod hold;
pub mod order;
pub mod plan;
pub mod release;
pub mod scope;
pub mod slot;
pub mod track;
