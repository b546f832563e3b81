//! `towpath projections`.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Projections {
    /// Make the read models anew from the log; in PostgreSQL while they are served, from a file
    /// only while no server runs.
    Rebuild,
    /// Compare the read models with the log.
    Verify,
}
