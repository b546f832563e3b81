//! `towpath demo`: (being written)

use super::Scene;
use crate::args;
use crate::failure::Failure;

pub(super) async fn run(_: &Scene, _: args::Demo) -> Result<(), Failure> {
    Ok(())
}
