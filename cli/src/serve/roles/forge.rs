//! forge: hears of pull requests, keeps their labels.

use std::sync::Arc;

use forge::{Connection, Forge};
use service::Config;

use super::super::ground::Ground;
use super::AddServices;
use crate::failure::Failure;

/// The role.
pub(in crate::serve) struct Part {
    pub(in crate::serve) forge: Forge,
}

/// Puts the role together.
pub(in crate::serve) fn open(ground: &Ground) -> Result<Part, Failure> {
    let github = Connection::of(&ground.config.forge.github);
    let forge = forge::build(forge::Deps {
        gate: ground.gate.clone(),
        log: Arc::clone(&ground.log),
        clock: Arc::clone(&ground.clock),
        github,
    })?;
    Ok(Part { forge })
}

/// Whether the files that GitHub is reached with are there, where it is to be reached at all.
pub(crate) fn check(config: &Config) -> Result<(), Failure> {
    let github = Connection::of(&config.forge.github);
    Ok(github.as_ref().map_or(Ok(()), Connection::check)?)
}

impl Part {
    /// What it answers.
    pub(in crate::serve) fn services(&self) -> AddServices {
        let service = self.forge.grpc();
        Box::new(move |routes| {
            routes.add_service(service);
        })
    }

    /// Runs until the stop.
    pub(in crate::serve) fn run(&self, ground: &Ground) {
        let (role, stop) = (self.forge.clone(), ground.stop.clone());
        ground.watch(forge::ROLE, async move { role.run(stop).await });
    }
}

impl From<forge::Problem> for Failure {
    fn from(problem: forge::Problem) -> Self {
        let message = format!("{}: {}", problem.setting, problem.why);
        Self::usage("configuration-file", message).fix(problem.fix)
    }
}
