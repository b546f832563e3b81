//! The log on real servers of NATS: the suite, and what servers and operators can do to it.

mod absence;
mod config;
mod leftovers;
mod permissions;
mod race;
mod restoring;
mod rewind;
mod servers;
mod suite;

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{NatsLog, Options, create};
use crate::conformance::{Trouble, identity};
use servers::{Kind, Servers};

/// Numbers the logs of a test program.
static LOGS: AtomicUsize = AtomicUsize::new(0);

/// Options of a log that nobody else uses.
fn fresh(servers: &Servers) -> Options {
    servers.fresh(LOGS.fetch_add(1, Ordering::Relaxed))
}

/// A new log, open.
async fn opened(options: &Options) -> Result<NatsLog, Trouble> {
    create(options, &identity()).await?;
    Ok(NatsLog::open(options).await?)
}
