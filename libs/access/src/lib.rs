//! Who may call: embedded identities as events, from a token to a principal, and one table of
//! who may call what.

#![warn(missing_docs)]

pub mod authorize;
mod directory;
pub mod domain;
mod token;
mod wire;

pub use authorize::{Denied, authorize};
pub use directory::{Directory, Listed, Unauthenticated, hash};
pub use token::Token;
pub use wire::{CONSUMES, PACKAGE};

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The identity's name.
    pub name: String,
    /// Its groups.
    pub groups: Vec<String>,
    /// A machine, not a person.
    pub is_service: bool,
}
