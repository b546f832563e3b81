//! Build reports of CI as events on NATS: what they look like, and how none of them is lost.
//!
//! CI publishes to `tp.in.build.<definition>` with its token in the header `Authorization`. Each
//! message ends in the same report as a call does. One that is refused goes to `TP_DLQ` with the
//! reason; one that cannot be answered now is asked again later.

#![warn(missing_docs)]

mod artifact;
mod connect;
mod event;
mod intake;
mod letter;
mod origin;
mod report;
mod streams;

pub use async_nats::Client;
pub use connect::{Broker, ConnectError};
pub use event::Event;
pub use intake::{Intake, Reports};
pub use origin::is_from;
pub use report::BuildReport;
pub use streams::{CONSUMER, DLQ, IN, StreamError, check, create};
