//! `towpath version`.

mod compute;
mod facts;
mod origin;
mod shape;

use super::Scene;
use crate::args;
use crate::failure::Failure;

pub(super) async fn run(scene: &Scene, version: args::Version) -> Result<(), Failure> {
    match version {
        args::Version::Compute(asked) => compute::run(scene, asked).await,
    }
}
