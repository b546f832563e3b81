//! `towpath version`: works on a repository or a text, needs no server.

mod label;

use super::Scene;
use crate::args;
use crate::failure::Failure;

pub(super) fn run(scene: &Scene, command: &args::Version) -> Result<(), Failure> {
    match command {
        args::Version::Label { title } => label::run(scene, title),
    }
}
