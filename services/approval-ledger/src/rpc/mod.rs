//! What callers may ask: one method per file. The gate has authenticated them before anything
//! here runs; whether they may approve is for the policy to say.

mod codes;
mod find;
mod list_approvals;
mod say;
mod shape;
mod show_approval;

use std::sync::Arc;

use access::Principal;
use eventlog::Context;
use prost::Message;
use proto::approval::v1 as pb;
use proto::approval::v1::approval_service_server::ApprovalService;
use service::authn;
use service::fault::Fault;
use tonic::{Request, Response, Status};

use crate::{Deps, Inner, ROLE};
use say::{Asked, Saying};

/// The gRPC service.
#[derive(Clone)]
pub struct Rpc(pub(crate) Arc<Inner>);

/// The answer to a method, or a fault as a status.
type Answer<T> = Result<Response<T>, Status>;

fn answer<T>(result: Result<T, Fault>) -> Answer<T> {
    result.map(Response::new).map_err(Status::from)
}

#[tonic::async_trait]
impl ApprovalService for Rpc {
    async fn approve(&self, request: Request<pb::ApproveRequest>) -> Answer<pb::ApproveResponse> {
        let result = async {
            let it = request.get_ref();
            let (caller, context) = self.call(&request, "Approve", it.dry_run)?;
            let asked = Asked {
                deployment: &it.deployment,
                stage: &it.stage,
                comment: &it.comment,
                plan: &it.plan_digest,
                dry_run: it.dry_run,
            };
            let approval = self.0.say(Saying::Yes, caller, &context, &asked).await?;
            Ok(pb::ApproveResponse {
                approval: Some(approval),
            })
        };
        answer(result.await)
    }

    async fn reject(&self, request: Request<pb::RejectRequest>) -> Answer<pb::RejectResponse> {
        let result = async {
            let it = request.get_ref();
            let (caller, context) = self.call(&request, "Reject", it.dry_run)?;
            let asked = Asked {
                deployment: &it.deployment,
                stage: &it.stage,
                comment: &it.comment,
                plan: &it.plan_digest,
                dry_run: it.dry_run,
            };
            let approval = self.0.say(Saying::No, caller, &context, &asked).await?;
            Ok(pb::RejectResponse {
                approval: Some(approval),
            })
        };
        answer(result.await)
    }

    async fn list_approvals(
        &self,
        request: Request<pb::ListApprovalsRequest>,
    ) -> Answer<pb::ListApprovalsResponse> {
        answer(self.0.list_approvals(request.get_ref().all).await)
    }

    async fn show_approval(
        &self,
        request: Request<pb::ShowApprovalRequest>,
    ) -> Answer<pb::ShowApprovalResponse> {
        answer(self.0.show_approval(request.get_ref()).await)
    }
}

impl Rpc {
    /// Who calls a method that changes something, with its idempotency.
    fn call<T: Message>(
        &self,
        request: &Request<T>,
        method: &str,
        dry_run: bool,
    ) -> Result<(Principal, Context), Fault> {
        let Deps { keys, clock, .. } = &self.0.deps;
        let context = keys.context(request, method, dry_run, clock.now_us())?;
        Ok((authn::principal(request)?, context))
    }
}

impl Inner {
    /// Everything recorded before this call is known here after it.
    async fn read_now(&self) -> Result<(), Fault> {
        self.world.caught_up(&*self.deps.log, ROLE).await
    }
}
