//! A GitHub for tests: a real server that keeps repositories, pull requests and labels, knows who
//! set which, and says what happened by signed webhooks, as often and in whatever order it is told.
//!
//! Every request that it gets, every answer that it gives and every webhook that it sends is held
//! against GitHub's own description, of which `description.json` is the part that is used. What is
//! not described fails the test: see [`FakeGitHub::violations`].

#![warn(missing_docs)]

pub mod description;
mod server;
mod shape;
pub mod slice;
mod state;
mod webhook;

pub use server::{FakeGitHub, Trouble};
pub use state::Asked;
pub use webhook::Webhook;

/// The account that the token belongs to.
pub const LOGIN: &str = "towpath[bot]";
/// The token that is accepted.
pub const TOKEN: &str = "ghs_fake0000000000000000000000000000000000";
/// The secret that webhooks are signed with.
pub const SECRET: &str = "whsec_fake000000000000000000000000000000000";
