//! The read models: they follow the log for longer than anybody of this process writes to it.

use std::sync::Arc;
use std::time::Duration;

use eventlog::{EventLog, Projector};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ground::Ground;

/// How long a stop waits for them.
const CAUGHT_UP: Duration = Duration::from_secs(2);

/// The read models of this process, at work.
pub(super) struct Models {
    projector: Arc<Projector>,
    log: Arc<dyn EventLog>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Models {
    /// Sets them to work.
    pub(super) fn run(ground: &Ground) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (projector, cancel) = (Arc::clone(&ground.projector), stop.clone());
        ground.watch_in(
            &tasks,
            "projector",
            async move { projector.run(cancel).await },
        );
        tasks.close();
        Self {
            projector: Arc::clone(&ground.projector),
            log: Arc::clone(&ground.log),
            stop,
            tasks,
        }
    }

    /// Stops them when they hold what the roles wrote last: at the next start they are who knows
    /// how long the log was.
    pub(super) async fn stop(self) {
        if let Ok(tail) = self.log.tail().await
            && let Err(error) = self.projector.wait_for(tail.position, CAUGHT_UP).await
        {
            tracing::debug!(%error, "stopped before that");
        }
        self.stop.cancel();
        self.tasks.wait().await;
        self.projector.close().await;
    }
}
