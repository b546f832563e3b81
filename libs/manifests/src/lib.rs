//! Manifests as text: parse them with positions, check them, link them into a graph, and replace
//! exactly one scalar of a file without touching any other byte.
//!
//! Pure: text goes in, text and data come out. No file, network, clock or random source is
//! touched here. What a manifest may hold is written once, as a [`shape`] per kind; checking,
//! references, and the JSON schema are all read from it. Every finding is a [`Diagnostic`] that
//! says where, why, and what to do.

#![warn(missing_docs)]

mod diagnostic;
mod render;

mod parse;
mod plain;
mod pointer;
pub mod tree;

mod check;
mod decode;
mod duration;
mod references;
pub mod shape;

mod envelope;
pub mod kinds;
pub mod manifest;

mod cache;
mod graph;
mod link;
mod queries;
mod unmatched;

pub mod edit;
mod template;

pub mod scaffold;
mod schema;

pub use cache::Cache;
pub use diagnostic::{Diagnostic, Label};
pub use edit::{
    Document, Edited, current_scalar, current_version, first_difference, set_scalar, set_version,
    without_version,
};
pub use graph::Graph;
pub use kinds::Kind;
pub use manifest::{Identity, Manifest, Place};
pub use parse::{MAX_BYTES, MAX_DEPTH, MAX_NODES, parse};
pub use pointer::Pointer;
pub use queries::Location;
pub use schema::schema;
pub use template::{Captured, Template, Values};

/// The `apiVersion` of every manifest that is ours.
pub const API_VERSION: &str = "lowops.manifests.v1";
