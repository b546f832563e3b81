//! The process target with real processes: the sample application, started from real images,
//! asked through real sockets, and killed.

#![expect(clippy::unwrap_used, reason = "a failing test may panic")]
#![expect(
    clippy::print_stdout,
    reason = "how a process that is to be killed reports"
)]

mod client;
mod place;
mod restart;
mod slot;
mod switch;
