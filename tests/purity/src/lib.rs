//! Every domain of the workspace, compiled once more in a crate that depends only on what domains
//! may use: `ids`, `decider`, `policy`, `versioning`, `thiserror`. What they cannot name here they cannot do anywhere.
//!
//! `build.rs` finds the domains, so nobody can forget one. They are taken in as modules, which is
//! why they say `super::` and never `crate::`.

include!(concat!(env!("OUT_DIR"), "/domains.rs"));
