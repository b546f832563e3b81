//! What callers may ask: one method per file. The gate has authenticated and authorised them
//! before anything here runs.

mod list_pull_requests;

use std::sync::Arc;

use proto::forge::v1 as pb;
use proto::forge::v1::forge_service_server::ForgeService;
use service::fault::Fault;
use tonic::{Request, Response, Status};

use crate::{Inner, ROLE};

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
        self.world.caught_up(&*self.deps.log, ROLE).await
    }
}
