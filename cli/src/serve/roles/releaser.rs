//! releaser: numbers and tags release candidates.

use std::sync::Arc;

use releaser::Releaser;

use super::super::ground::Ground;
use super::AddServices;

/// Credentials for registries, in the data directory.
const CREDENTIALS: &str = "registries.json";

/// The role.
pub(in crate::serve) struct Part {
    pub(in crate::serve) releaser: Releaser,
}

/// Puts the role together.
pub(in crate::serve) fn open(ground: &Ground) -> Part {
    let releaser = releaser::build(releaser::Deps {
        gate: ground.gate.clone(),
        log: Arc::clone(&ground.log),
        clock: Arc::clone(&ground.clock),
        desk: ground.desk.clone(),
        keys: Arc::clone(&ground.keys),
        layouts: ground.layouts(),
        credentials: ground.data.join(CREDENTIALS),
    });
    Part { releaser }
}

impl Part {
    /// What it answers.
    pub(in crate::serve) fn services(&self) -> AddServices {
        let service = self.releaser.grpc();
        Box::new(move |routes| {
            routes.add_service(service);
        })
    }

    /// Runs until the stop.
    pub(in crate::serve) fn run(&self, ground: &Ground) {
        let (role, stop) = (self.releaser.clone(), ground.stop.clone());
        ground.watch(releaser::ROLE, async move { role.run(stop).await });
    }
}
