//! What a version is, which one comes next, and what is new in it. Pure: text and facts in,
//! decisions with their reasons out; reading repositories and talking to forges is for others.

#![warn(missing_docs)]

pub mod body;
pub mod bump;
pub mod catalogue;
pub mod changelog;
pub mod channel;
pub mod commit;
pub mod compute;
pub mod conventional;
pub mod label;
pub mod policy;
pub mod strategy;
pub mod tag;
