//! What callers may ask: one method per file. The gate has authenticated and authorised them
//! before anything here runs.

mod show_changelog;
mod show_release_changelog;

use std::sync::Arc;
use std::time::Duration;

use proto::changelog::v1 as pb;
use proto::changelog::v1::changelog_service_server::ChangelogService;
use service::fault::{Fault, Kind};
use tonic::{Request, Response, Status};

use crate::Inner;

/// How long a reader waits for what it has heard of.
const PATIENCE: Duration = Duration::from_secs(5);

/// The gRPC service.
#[derive(Clone)]
pub struct Rpc(pub(crate) Arc<Inner>);

#[tonic::async_trait]
impl ChangelogService for Rpc {
    async fn show_changelog(
        &self,
        request: Request<pb::ShowChangelogRequest>,
    ) -> Result<Response<pb::ShowChangelogResponse>, Status> {
        let answer = self
            .0
            .show_changelog(&request.get_ref().deployment_id)
            .await;
        answer.map(Response::new).map_err(Status::from)
    }

    async fn show_release_changelog(
        &self,
        request: Request<pb::ShowReleaseChangelogRequest>,
    ) -> Result<Response<pb::ShowReleaseChangelogResponse>, Status> {
        let answer = self.0.show_release_changelog(request.get_ref()).await;
        answer.map(Response::new).map_err(Status::from)
    }
}

/// What a caller wrote, as it can be repeated to them.
fn shown(text: &str) -> String {
    let first = text.chars().take(80);
    first.flat_map(char::escape_default).collect()
}

impl Inner {
    /// Everything recorded before this call is known here after it.
    async fn read_now(&self) -> Result<(), Fault> {
        let tail = self.deps.log.tail().await?;
        let position = tail.position.0;
        let mut folded = self.folded.subscribe();
        let reached = folded.wait_for(|now| *now >= position);
        if let Ok(Ok(_)) = tokio::time::timeout(PATIENCE, reached).await {
            return Ok(());
        }
        let what = format!("log position {position} is not known here yet");
        let fault = Fault::new(Kind::Unknown, "read-model-behind", what);
        Err(fault.fix("repeat the call; `towpath status` shows whether the role `changelog` runs"))
    }
}
