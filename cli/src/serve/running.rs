//! A server that answers, and how it stops.

use std::path::PathBuf;
use std::sync::Arc;

use eventlog::lock;
use runner::target::{ProcessTarget, Target as _};
use service::telemetry::Telemetry;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Record;
use super::models::Models;
use crate::home::ADDRESS_FILE;

/// A server that answers.
pub(crate) struct Running {
    /// Where it answers.
    pub(crate) address: String,
    pub(super) data: PathBuf,
    pub(super) stop: CancellationToken,
    pub(super) front: JoinHandle<()>,
    pub(super) roles: TaskTracker,
    pub(super) target: Option<Arc<ProcessTarget>>,
    pub(super) models: Models,
    pub(super) telemetry: Telemetry,
    pub(super) record: Record,
    pub(super) _lock: lock::DataLock,
}

impl Running {
    /// Returns once the log continues in a later epoch.
    pub(crate) async fn continues_elsewhere(&self) -> u32 {
        self.record.continues_elsewhere().await
    }

    /// Stops in order: no new calls, calls in flight end, roles end, read models catch up, the
    /// log closes.
    pub(crate) async fn stop(self, leave_applications: bool) {
        // Whoever reads it from now on would find nobody.
        if let Err(error) = std::fs::remove_file(self.data.join(ADDRESS_FILE)) {
            tracing::debug!(%error, "the address file was gone already");
        }
        self.stop.cancel();
        if let Err(error) = self.front.await {
            tracing::warn!(%error, "the front ended badly");
        }
        self.roles.wait().await;
        if let Some(target) = self.target {
            target.shutdown(leave_applications).await;
        }
        self.models.stop().await;
        self.record.close().await;
        let telemetry = self.telemetry;
        let closed = tokio::task::spawn_blocking(move || telemetry.close()).await;
        if let Err(error) = closed {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}
