//! What callers may ask: one method per file. The gate has authenticated and authorised them
//! before anything here runs.

mod list_pull_requests;

use std::sync::Arc;
use std::time::Duration;

use proto::forge::v1 as pb;
use proto::forge::v1::forge_service_server::ForgeService;
use service::fault::{Fault, Kind};
use tonic::{Request, Response, Status};

use crate::Inner;

/// How long a reader waits for what was recorded before.
const PATIENCE: Duration = Duration::from_secs(5);

/// The gRPC service.
#[derive(Clone)]
pub struct Rpc(pub(crate) Arc<Inner>);

#[tonic::async_trait]
impl ForgeService for Rpc {
    async fn list_pull_requests(
        &self,
        request: Request<pb::ListPullRequestsRequest>,
    ) -> Result<Response<pb::ListPullRequestsResponse>, Status> {
        let answer = self.0.list_pull_requests(request.get_ref()).await;
        answer.map(Response::new).map_err(Status::from)
    }
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
        Err(fault.fix("repeat the call; `towpath status` shows whether the role `forge` runs"))
    }
}
