//! Identifiers and nothing else: newtypes that can only hold valid values, with `parse` and
//! `Display`, and the derivation of every id from its business key.
//!
//! Ids of things are UUIDv5, derived from what the thing *is* (see [`derive`]), so that doing
//! something twice names the same thing twice. Nothing here reads a clock or a random source.

#![warn(missing_docs)]

pub mod aggregate;
pub mod derive;
mod digest;
mod name;
mod oid;
mod release_type;
mod repository;
mod text;
mod version;

pub use aggregate::{AggregateId, CommitId};
pub use digest::Digest;
pub use name::Name;
pub use oid::Oid;
pub use release_type::ReleaseType;
pub use repository::RepositoryName;
pub use uuid::Uuid;
pub use version::Version;

/// Why a text is not a valid identifier: what was expected, what came.
///
/// The message never repeats more than 80 characters of the input, and control characters in it
/// are escaped, so that it can be shown and logged whatever was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {why}: `{shown}`")]
pub struct Invalid {
    /// The kind of identifier, such as `version`.
    pub what: &'static str,
    /// What is wrong with it and what would be right.
    pub why: String,
    /// The beginning of the input, escaped.
    pub shown: String,
}

impl Invalid {
    pub(crate) fn new(what: &'static str, why: impl Into<String>, input: &str) -> Self {
        let mut shown: String = input
            .chars()
            .take(80)
            .flat_map(char::escape_default)
            .collect();
        if input.chars().count() > 80 {
            shown.push('…');
        }
        Self {
            what,
            why: why.into(),
            shown,
        }
    }
}
