//! runner: applies what the manifests say to the targets.

use std::sync::Arc;
use std::time::Duration;

use runner::Runner;
use runner::target::{ProcessTarget, Target};

use super::super::ground::Ground;
use crate::failure::Failure;

/// How long an application may take to end after SIGTERM.
const KILL_AFTER: Duration = Duration::from_secs(10);

/// The role and where its processes run.
pub(in crate::serve) struct Part {
    pub(in crate::serve) runner: Runner,
    pub(in crate::serve) target: Arc<ProcessTarget>,
}

/// Puts the role together; takes over processes that run already.
pub(in crate::serve) async fn open(ground: &Ground) -> Result<Part, Failure> {
    let identity = ground
        .log
        .identity()
        .await
        .map_err(|error| Failure::broke("log", error.to_string()))?;
    let target = ProcessTarget::open(&ground.data, identity.log_id, KILL_AFTER)
        .await
        .map_err(|error| Failure::broke("process-target", error.to_string()))?;
    let target = Arc::new(target);
    let runner = runner::build(runner::Deps {
        gate: ground.runner_gate.clone(),
        log: Arc::clone(&ground.log),
        clock: Arc::clone(&ground.clock),
        desk: ground.desk.clone(),
        target: Arc::clone(&target) as Arc<dyn Target>,
        layouts: ground.layouts(),
    });
    Ok(Part { runner, target })
}

impl Part {
    /// Runs until the stop.
    pub(in crate::serve) fn run(&self, ground: &Ground) {
        let (role, stop) = (self.runner.clone(), ground.stop.clone());
        ground.watch(runner::ROLE, async move { role.run(stop).await });
    }
}
