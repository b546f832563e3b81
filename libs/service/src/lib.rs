//! What every service needs to run: configuration, clock and ids, errors as callers see them,
//! authentication, one port for gRPC and HTTP, telemetry, shutdown.

#![warn(missing_docs)]

mod prompt;

pub mod authn;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod fault;
pub mod folded;
pub mod key;
pub mod load;
pub mod role;
pub mod serve;
pub mod stale;
pub mod telemetry;
pub mod time;
pub mod troubles;

pub use clock::{Clock, SystemClock};
pub use config::Config;
pub use fault::{Fault, Kind};
pub use folded::Folded;
pub use troubles::Troubles;
