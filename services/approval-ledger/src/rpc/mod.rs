//! What callers may ask: one method per file. The gate has authenticated them before anything
//! here runs; whether they may approve is for the policy to say.

mod codes;
mod find;
mod list_approvals;
mod say;
mod shape;
mod show_approval;

use std::sync::Arc;
use std::time::Duration;

use access::Principal;
use eventlog::Context;
use prost::Message;
use proto::approval::v1 as pb;
use proto::approval::v1::approval_service_server::ApprovalService;
use service::fault::{Fault, Kind};
use service::{authn, key};
use tonic::{Request, Response, Status};

use crate::Inner;
use say::{Asked, Saying};

/// How long a reader waits for what was recorded before.
const PATIENCE: Duration = Duration::from_secs(5);

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
        let caller = authn::principal(request)?;
        let body = request.get_ref().encode_to_vec();
        let key = key::required(request)?;
        // What records nothing uses up no key.
        let idempotency = if dry_run {
            None
        } else {
            Some(self.0.deps.keys.take(&caller.name, method, key, &body)?)
        };
        let context = Context {
            actor: caller.name.clone(),
            now_us: self.0.deps.clock.now_us(),
            idempotency,
            correlation: None,
            causation: None,
        };
        Ok((caller, context))
    }
}

impl Inner {
    /// Everything recorded before this call is known after it.
    async fn catch_up(&self) -> Result<(), Fault> {
        let tail = self.deps.log.tail().await.map_err(Fault::from)?.position;
        let mut at = self.position.subscribe();
        let reached = tokio::time::timeout(PATIENCE, at.wait_for(|now| *now >= tail)).await;
        if let Ok(Ok(_)) = reached {
            return Ok(());
        }
        let what = format!("log position {} is not known here yet", tail.0);
        Err(Fault::new(Kind::Unknown, "read-model-behind", what)
            .fix("repeat the call; `towpath status` shows how far it is"))
    }
}

/// A text of unknown origin, fit to be shown: at most 80 characters, control characters escaped.
fn shown(text: &str) -> String {
    text.chars()
        .take(80)
        .flat_map(char::escape_default)
        .collect()
}
