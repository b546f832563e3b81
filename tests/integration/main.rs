//! The promises of Towpath, kept by a real server: a spawned binary, a git remote made by the `git`
//! command, processes that answer on ports. Nothing here looks inside; every verdict comes from
//! the remote, the exported log, a port, or an answer.
//!
//! `TOWPATH_ACCEPT=full` runs the long scenarios in the numbers that were promised, `TOWPATH_ACCEPT_SEED` repeats
//! a run, `TOWPATH_BIN` names the binary, `TOWPATH_SHARED` the directory with outside inputs.

#[cfg(test)]
mod harness;
#[cfg(test)]
mod scenarios;
