//! `WatchDeployments`: what matches now, then each again whenever it changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::stream::{BoxStream, StreamExt as _};
use proto::delivery::v1 as pb;
use service::Fault;
use tokio::sync::mpsc;
use tonic::Status;

use crate::{Inner, queries};

/// How many deployments one watch follows: the newest that match.
const FOLLOWED: u32 = 1_000;

type Updates = BoxStream<'static, Result<pb::WatchDeploymentsResponse, Status>>;

pub(super) async fn watch(
    inner: Arc<Inner>,
    request: pb::WatchDeploymentsRequest,
) -> Result<Updates, Fault> {
    let id = match request.id.as_str() {
        "" => String::new(),
        id => inner.deployment_id(id).await?.to_string(),
    };
    inner.read_now().await?;
    let (send, receive) = mpsc::channel(64);
    tokio::spawn(async move {
        if let Err(fault) = follow(&inner, &request, &id, &send).await {
            // Nobody listens any more: nothing to tell.
            drop(send.send(Err(Status::from(fault))).await);
        }
    });
    Ok(tokio_stream::wrappers::ReceiverStream::new(receive).boxed())
}

async fn follow(
    inner: &Inner,
    request: &pb::WatchDeploymentsRequest,
    id: &str,
    send: &mpsc::Sender<Result<pb::WatchDeploymentsResponse, Status>>,
) -> Result<(), Fault> {
    let mut position = inner.deps.read_position.clone();
    let mut told: BTreeMap<String, pb::Deployment> = BTreeMap::new();
    loop {
        position.mark_unchanged();
        let wanted = queries::Wanted {
            id,
            application: &request.application,
            environment: &request.environment,
            state: "",
            limit: FOLLOWED,
        };
        let now = queries::deployments(&inner.deps.reads, &wanted).await?;
        // Oldest first, so that a terminal reads like a story.
        for deployment in now.iter().rev() {
            if told.get(&deployment.id) == Some(deployment) {
                continue;
            }
            told.insert(deployment.id.clone(), deployment.clone());
            let update = pb::WatchDeploymentsResponse {
                deployment: Some(deployment.clone()),
            };
            if send.send(Ok(update)).await.is_err() {
                return Ok(());
            }
        }
        if request.until_settled && now.iter().all(|it| is_settled(&it.state)) {
            return Ok(());
        }
        tokio::select! {
            () = send.closed() => return Ok(()),
            changed = position.changed() => if changed.is_err() { return Ok(()) },
        }
    }
}

fn is_settled(state: &str) -> bool {
    !matches!(state, "PENDING" | "IN_PROGRESS" | "WAITING")
}
