//! `towpath version`: works on a repository or a text. A server is asked only where one is named.

mod completeness;
mod compute;
mod facts;
mod label;
mod labels;
mod reserve;
mod shape;

use super::Scene;
use crate::args;
use crate::failure::Failure;

pub(super) async fn run(scene: &Scene, version: args::Version) -> Result<(), Failure> {
    match version {
        args::Version::Compute(asked) => compute::run(scene, *asked).await,
        args::Version::Label { title } => label::run(scene, &title),
    }
}
