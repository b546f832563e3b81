//! The mirror and the writer against real git repositories, judged by the `git` program.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::disallowed_methods,
    reason = "the other people in these tests are git processes"
)]

mod ground;
mod killed;
mod mirror;
mod network;
mod races;
mod relations;
mod unwell;
mod writer;
