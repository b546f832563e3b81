//! What callers may ask: one method per file. The gate has authenticated and authorised them
//! before anything here runs.

mod codes;
mod create_release;
mod line;
mod list_releases;
mod reserve_version;
mod shape;
mod show_release;

use std::sync::Arc;

use eventlog::Context;
use proto::release::v1 as pb;
use proto::release::v1::release_service_server::ReleaseService;
use service::fault::Fault;
use tonic::{Request, Response, Status};

use crate::{Deps, Inner, ROLE};

/// The gRPC service.
#[derive(Clone)]
pub struct Rpc(pub(crate) Arc<Inner>);

/// The answer to a method, or a fault as a status.
type Answer<T> = Result<Response<T>, Status>;

fn answer<T>(result: Result<T, Fault>) -> Answer<T> {
    result.map(Response::new).map_err(Status::from)
}

#[tonic::async_trait]
impl ReleaseService for Rpc {
    async fn create_release(
        &self,
        request: Request<pb::CreateReleaseRequest>,
    ) -> Answer<pb::CreateReleaseResponse> {
        let result = async {
            let dry_run = request.get_ref().dry_run;
            let context = self.context(&request, "CreateRelease", dry_run)?;
            self.0.create_release(&context, request.get_ref()).await
        };
        answer(result.await)
    }

    async fn list_releases(
        &self,
        request: Request<pb::ListReleasesRequest>,
    ) -> Answer<pb::ListReleasesResponse> {
        answer(self.0.list_releases(request.get_ref()).await)
    }

    async fn show_release(
        &self,
        request: Request<pb::ShowReleaseRequest>,
    ) -> Answer<pb::ShowReleaseResponse> {
        answer(self.0.show_release(&request.get_ref().release).await)
    }

    async fn reserve_version(
        &self,
        request: Request<pb::ReserveVersionRequest>,
    ) -> Answer<pb::ReserveVersionResponse> {
        let result = async {
            let dry_run = request.get_ref().dry_run;
            let context = self.context(&request, "ReserveVersion", dry_run)?;
            self.0.reserve_version(&context, request.get_ref()).await
        };
        answer(result.await)
    }
}

impl Rpc {
    /// Who calls, with the call's idempotency.
    fn context<T: prost::Message>(
        &self,
        request: &Request<T>,
        method: &str,
        dry_run: bool,
    ) -> Result<Context, Fault> {
        let Deps { keys, clock, .. } = &self.0.deps;
        keys.context(request, method, dry_run, clock.now_us())
    }
}

impl Inner {
    /// Everything recorded before this call is known here after it.
    async fn read_now(&self) -> Result<(), Fault> {
        self.world.caught_up(&*self.deps.log, ROLE).await
    }
}
