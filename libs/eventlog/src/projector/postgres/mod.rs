//! Read models in a schema of a PostgreSQL server. Each role has a schema of its own, and all
//! SQL finds its tables through the connection's search path, so that a rebuilt schema can take
//! the name of the one before.

mod errors;
mod leases;
mod rebuild;
mod server;
mod verify;

pub(super) use errors::switched;
pub(crate) use errors::{ANSWERS, passes, silent};
pub(super) use leases::leases;
pub(super) use rebuild::{open, rebuild, revive};
pub use server::{PgReads, Server, ServerError};
pub(super) use verify::verify;
