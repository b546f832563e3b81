//! The server: roles put together on one log, one front. `up`, `serve` and `demo` call the same
//! [`start`].

mod access;
mod admin;
mod assemble;
mod control;
mod files;
mod fsync;
mod gateway;
mod ground;
mod intake;
mod metrics;
mod models;
mod presence;
mod record;
mod roles;
mod router;
mod running;

pub(crate) use assemble::start;
pub(crate) use files::{check as check_files, password};
pub(crate) use gateway::services;
pub(crate) use ground::{archive_server, database, make_private};
pub(crate) use intake::create_intake;
pub(crate) use record::{Record, nats_options, nats_refused};
pub(crate) use roles::forge::check as check_github;
pub(crate) use roles::projections;
pub(crate) use running::Running;

use crate::failure::Failure;

/// Turns what kept the server from starting into a failure with the right exit status.
pub(crate) fn refused(code: &str, error: &impl std::fmt::Display) -> Failure {
    Failure::refused(code, error.to_string())
}

/// Nobody said what should run where.
pub(crate) fn no_manifests() -> Failure {
    Failure::usage("no-manifests", "no manifests repository is configured")
        .fix("give one with --manifests, or write it down with `towpath init --manifests <url>`")
}
