//! Registries of the [distribution spec]: read a manifest by digest or tag, and give the same
//! bytes another tag.
//!
//! Whatever is read is hashed; no header is believed. Only a 404 means "not there": a refusal, an
//! overload or a broken registry is an error that says so, because a tag that is taken for absent
//! would be written over. Credentials go to the registry and to the realms named with them.
//!
//! [distribution spec]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md

#![warn(missing_docs)]

mod address;
mod challenge;
mod client;
mod credentials;
mod error;
mod exchange;

pub use address::Address;
pub use client::{Client, Manifest, Tagged};
pub use credentials::Credentials;
pub use error::Error;
