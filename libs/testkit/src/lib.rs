//! Real servers for tests and for the local stack: where their programs are, how they are set
//! up, with which command they run. Nothing here is part of what is shipped.

#![warn(missing_docs)]

pub mod cluster;
mod error;
pub mod nats;
pub mod oci_registry;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod program;

pub use cluster::Cluster;
pub use error::Error;
