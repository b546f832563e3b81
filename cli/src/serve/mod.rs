//! The server: roles put together on one log, one front. `up` and `demo` call the same
//! [`start`].

mod access;
mod admin;
mod assemble;
mod control;
mod fsync;

pub(crate) use assemble::{make_private, projections, start};

use crate::failure::Failure;

/// Turns what kept the server from starting into a failure with the right exit status.
pub(crate) fn refused(code: &str, error: &impl std::fmt::Display) -> Failure {
    Failure::refused(code, error.to_string())
}
