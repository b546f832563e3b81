//! changelog: says what every deployment changes.

use std::sync::Arc;

use changelog::Changelog;

use super::super::ground::Ground;
use super::AddServices;

/// The role.
pub(in crate::serve) struct Part {
    pub(in crate::serve) changelog: Changelog,
}

/// Puts the role together.
pub(in crate::serve) fn open(ground: &Ground) -> Part {
    let changelog = changelog::build(changelog::Deps {
        gate: ground.gate.clone(),
        log: Arc::clone(&ground.log),
        clock: Arc::clone(&ground.clock),
        desk: ground.desk.clone(),
        histories: ground.histories.clone(),
    });
    Part { changelog }
}

impl Part {
    /// What it answers.
    pub(in crate::serve) fn services(&self) -> AddServices {
        let service = self.changelog.grpc();
        Box::new(move |routes| {
            routes.add_service(service);
        })
    }

    /// Runs until the stop.
    pub(in crate::serve) fn run(&self, ground: &Ground) {
        let (role, stop) = (self.changelog.clone(), ground.stop.clone());
        ground.watch(changelog::ROLE, async move { role.run(stop).await });
    }
}
