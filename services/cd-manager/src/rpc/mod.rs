//! What callers may ask: one method per file. The gate has authenticated and authorised them
//! before anything here runs.

mod abort_deployment;
mod as_of;
mod codes;
mod create_hold;
mod explain;
mod explain_release;
mod list_deployments;
mod list_environments;
mod list_holds;
mod readable;
mod release_hold;
pub(crate) mod report_build;
mod retry_deployment;
mod rollback;
mod show_deployment;
mod show_environment;
mod watch_deployments;

use std::sync::Arc;
use std::time::Duration;

use decider::Decider;
use eventlog::{Context, Position, ReadError};
use futures::stream::BoxStream;
use ids::{AggregateId, Uuid};
use prost::Message;
use proto::delivery::v1 as pb;
use proto::delivery::v1::delivery_service_server::DeliveryService;
use service::fault::{Coded as _, Fault, Kind, shown};
use service::{authn, key, stale};
use source::{DeskError, Snapshot};
use tonic::{Request, Response, Status};

use crate::domain::build::Build;
use crate::domain::deployment::{self, Decisions};
use crate::queries::{self, Shortened};
use crate::{Deps, Inner};

/// How long a reader waits for a position it has heard of.
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
impl DeliveryService for Rpc {
    type WatchDeploymentsStream = BoxStream<'static, Result<pb::WatchDeploymentsResponse, Status>>;

    async fn report_build(
        &self,
        request: Request<pb::ReportBuildRequest>,
    ) -> Answer<pb::ReportBuildResponse> {
        let result = async {
            let caller = authn::principal(&request)?;
            let key = key::required(&request)?.to_owned();
            self.0
                .report_build(&caller.name, Some(&key), request.get_ref())
                .await
        };
        answer(result.await)
    }

    async fn list_deployments(
        &self,
        request: Request<pb::ListDeploymentsRequest>,
    ) -> Answer<pb::ListDeploymentsResponse> {
        answer(self.0.list_deployments(request.get_ref()).await)
    }

    async fn show_deployment(
        &self,
        request: Request<pb::ShowDeploymentRequest>,
    ) -> Answer<pb::ShowDeploymentResponse> {
        answer(self.0.show_deployment(request.get_ref()).await)
    }

    async fn watch_deployments(
        &self,
        request: Request<pb::WatchDeploymentsRequest>,
    ) -> Answer<Self::WatchDeploymentsStream> {
        answer(watch_deployments::watch(Arc::clone(&self.0), request.into_inner()).await)
    }

    async fn retry_deployment(
        &self,
        request: Request<pb::RetryDeploymentRequest>,
    ) -> Answer<pb::RetryDeploymentResponse> {
        let result = async {
            self.0
                .retry_deployment(
                    &self.call(&request, "RetryDeployment", request.get_ref().dry_run)?,
                    request.get_ref(),
                )
                .await
        };
        answer(result.await)
    }

    async fn abort_deployment(
        &self,
        request: Request<pb::AbortDeploymentRequest>,
    ) -> Answer<pb::AbortDeploymentResponse> {
        let result = async {
            self.0
                .abort_deployment(
                    &self.call(&request, "AbortDeployment", request.get_ref().dry_run)?,
                    request.get_ref(),
                )
                .await
        };
        answer(result.await)
    }

    async fn explain(&self, request: Request<pb::ExplainRequest>) -> Answer<pb::ExplainResponse> {
        answer(self.0.explain(&request.get_ref().subject).await)
    }

    async fn list_environments(
        &self,
        request: Request<pb::ListEnvironmentsRequest>,
    ) -> Answer<pb::ListEnvironmentsResponse> {
        answer(self.0.list_environments(request.get_ref()).await)
    }

    async fn show_environment(
        &self,
        request: Request<pb::ShowEnvironmentRequest>,
    ) -> Answer<pb::ShowEnvironmentResponse> {
        answer(self.0.show_environment(request.get_ref()).await)
    }

    async fn rollback(
        &self,
        request: Request<pb::RollbackRequest>,
    ) -> Answer<pb::RollbackResponse> {
        let result = async {
            self.0
                .rollback(
                    &self.call(&request, "Rollback", request.get_ref().dry_run)?,
                    request.get_ref(),
                )
                .await
        };
        answer(result.await)
    }

    async fn create_hold(
        &self,
        request: Request<pb::CreateHoldRequest>,
    ) -> Answer<pb::CreateHoldResponse> {
        let result = async {
            self.0
                .create_hold(
                    &self.call(&request, "CreateHold", request.get_ref().dry_run)?,
                    request.get_ref(),
                )
                .await
        };
        answer(result.await)
    }

    async fn list_holds(
        &self,
        request: Request<pb::ListHoldsRequest>,
    ) -> Answer<pb::ListHoldsResponse> {
        answer(self.0.list_holds(request.get_ref().all).await)
    }

    async fn release_hold(
        &self,
        request: Request<pb::ReleaseHoldRequest>,
    ) -> Answer<pb::ReleaseHoldResponse> {
        let result = async {
            self.0
                .release_hold(
                    &self.call(&request, "ReleaseHold", request.get_ref().dry_run)?,
                    request.get_ref(),
                )
                .await
        };
        answer(result.await)
    }
}

impl Rpc {
    /// Who calls a method that changes something, with its idempotency.
    fn call<T: Message>(
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
    /// Waits until the read models hold a position; not when they have stopped.
    pub(crate) async fn read_at(&self, position: Position) -> Result<(), Fault> {
        if self.reads_stopped() {
            // They will not get there: what they hold is shown, and the answer is marked stale.
            return Ok(());
        }
        let mut at = self.deps.read_position.clone();
        let reached = tokio::time::timeout(PATIENCE, at.wait_for(|now| *now >= position)).await;
        match reached {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Fault::new(
                Kind::Unknown,
                "read-model-behind",
                format!(
                    "the read models have not reached log position {} yet",
                    position.0
                ),
            )
            .fix("repeat the call; `towpath status` shows how far they are")),
        }
    }

    /// Whether the read models do not follow the log any more.
    fn reads_stopped(&self) -> bool {
        self.deps.roles.why_stopped(stale::PROJECTOR).is_some()
    }

    /// The manifests as they are now; nothing can be decided without them.
    pub(crate) async fn manifests(&self) -> Result<Arc<Snapshot>, Fault> {
        self.deps.desk.look().await.map_err(|DeskError::Git(error)| {
            let kind = if error.retryable() { Kind::Unknown } else { Kind::Rejected };
            Fault::new(kind, "manifests-unusable", format!("[{}] {error}", error.code()))
                .fix("nothing was recorded; make the manifests repository readable and repeat the call")
        })
    }

    /// Everything recorded before this call is readable after it.
    async fn read_now(&self) -> Result<Position, Fault> {
        let tail = match self.deps.log.tail().await {
            Ok(tail) => tail,
            // What was read before the log lied is still worth showing; the answer is marked.
            Err(ReadError::Lie(_)) => return Ok(*self.deps.read_position.borrow()),
            Err(error) => return Err(error.into()),
        };
        self.read_at(tail.position).await?;
        Ok(tail.position)
    }

    /// Asks something of a deployment; dry, it only finds out whether it would be refused.
    async fn ask(
        &self,
        id: Uuid,
        context: &Context,
        command: &deployment::Command,
        dry_run: bool,
    ) -> Result<(), Fault> {
        if !dry_run {
            self.deployments.execute(id, context, command).await?;
            return Ok(());
        }
        let state = self.deployments.load(id).await.map_err(Fault::from)?.state;
        Decisions::decide(&state, command)
            .map(drop)
            .map_err(|it| Fault::new(Kind::Rejected, it.code(), it.to_string()).fix(it.fix()))
    }

    /// The deployment that a full id or an unambiguous beginning names.
    async fn deployment_id(&self, text: &str) -> Result<Uuid, Fault> {
        let not_found = || {
            Fault::new(Kind::NotFound, "not-found", format!("there is no deployment `{}`", shown(text)))
                .fix("`towpath deployments list` shows all; the first eight characters of an id are enough")
        };
        self.find(Shortened::Deployments, text)
            .await?
            .ok_or_else(not_found)
    }

    /// The id that a text names: a full one, or the beginning of only one.
    async fn find(&self, of: Shortened, text: &str) -> Result<Option<Uuid>, Fault> {
        self.read_now().await?;
        let prefix = text.to_ascii_lowercase();
        if !is_id_part(&prefix) {
            return Ok(None);
        }
        let ids = queries::ids_with_prefix(&self.deps.reads, of, &prefix).await?;
        if ids.is_empty() && self.reads_stopped() {
            return self.find_in_log(of, &prefix).await;
        }
        only(&ids, text)
    }

    /// A whole id that the read models never got to see.
    async fn find_in_log(&self, of: Shortened, text: &str) -> Result<Option<Uuid>, Fault> {
        let kind = match of {
            Shortened::Builds => <Build as Decider>::KIND,
            Shortened::Deployments => Decisions::KIND,
            Shortened::Holds => return Ok(None),
        };
        let Ok(id) = Uuid::parse_str(text) else {
            return Ok(None);
        };
        let head = self.deps.log.head(&AggregateId::new(kind, id)).await?;
        Ok((head.version > 0).then_some(id))
    }

    async fn deployment_row(&self, id: Uuid) -> Result<pb::Deployment, Fault> {
        self.read_now().await?;
        let id = id.to_string();
        let wanted = queries::Wanted {
            id: &id,
            limit: 1,
            ..queries::Wanted::default()
        };
        let found = queries::deployments(&self.deps.reads, &wanted).await?.pop();
        found.ok_or_else(|| {
            let what = format!("deployment {id} is in the log but not in the read models");
            if self.reads_stopped() {
                Fault::new(Kind::Unknown, "read-model-behind", what)
                    .fix("`towpath status` says why the projector stopped; `towpath explain` reads the log")
            } else {
                Fault::broken(what)
            }
        })
    }
}

/// Whether a text can be an id or the beginning of one.
fn is_id_part(text: &str) -> bool {
    text.len() >= 4 && text.bytes().all(|it| it.is_ascii_hexdigit() || it == b'-')
}

/// The only one of the ids that begin with a text.
fn only(ids: &[String], text: &str) -> Result<Option<Uuid>, Fault> {
    match ids {
        [only] => Uuid::parse_str(only).map(Some).map_err(Fault::broken),
        [] => Ok(None),
        _ => {
            let what = format!("several ids begin with `{}`", shown(text));
            Err(Fault::new(Kind::Invalid, "ambiguous-id", what).fix("write more of the id"))
        }
    }
}

/// A text that a person gave as a reason: something, and not a novel.
fn text(name: &str, value: &str) -> Result<String, Fault> {
    let value = value.trim();
    if value.chars().any(char::is_control) {
        let what = format!("`{name}` holds control characters");
        return Err(Fault::new(Kind::Invalid, "invalid-value", what).fix("write it on one line"));
    }
    if value.is_empty() || value.chars().count() > 1_000 {
        let what = format!(
            "`{name}` must have 1-1000 characters, not {}",
            value.chars().count()
        );
        return Err(Fault::new(Kind::Invalid, "invalid-value", what).fix("say in a sentence why"));
    }
    Ok(value.to_owned())
}
