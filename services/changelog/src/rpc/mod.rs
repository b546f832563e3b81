//! What callers may ask: one method per file. The gate has authenticated and authorised them
//! before anything here runs.

mod show_changelog;
mod show_release_changelog;

use std::sync::Arc;

use proto::changelog::v1 as pb;
use proto::changelog::v1::changelog_service_server::ChangelogService;
use service::fault::Fault;
use tonic::{Request, Response, Status};

use crate::{Inner, ROLE};

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

impl Inner {
    /// Everything recorded before this call is known here after it.
    async fn read_now(&self) -> Result<(), Fault> {
        self.world.caught_up(&*self.deps.log, ROLE).await
    }
}
