//! gRPC, with one identity's token.

use std::fmt;
use std::time::Duration;

use proto::control::v1::GetStatusRequest;
use proto::control::v1::control_service_client::ControlServiceClient;
use proto::delivery::v1::delivery_service_client::DeliveryServiceClient;
use proto::delivery::v1::{
    Deployment, ExplainRequest, ExplainResponse, ListDeploymentsRequest, ReportBuildResponse,
    WatchDeploymentsRequest,
};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::Report;

/// A deployment settles within this time on the slowest of machines.
const SETTLED: Duration = Duration::from_mins(1);

/// Calls of one identity.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    address: String,
    token: String,
}

/// A refused or failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: tonic::Code,
    /// The stable code.
    pub(crate) code: String,
    pub(crate) message: String,
    /// What to do.
    pub(crate) fix: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} [{}] {}; {}",
            self.status, self.code, self.message, self.fix
        )
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let metadata = status.metadata();
        let code = metadata.get("towpath-code").and_then(|it| it.to_str().ok());
        let fix = metadata
            .get_bin("towpath-fix-bin")
            .and_then(|it| it.to_bytes().ok());
        Self {
            status: status.code(),
            code: code.unwrap_or_default().to_owned(),
            message: status.message().to_owned(),
            fix: fix
                .map(|it| String::from_utf8_lossy(&it).into_owned())
                .unwrap_or_default(),
        }
    }
}

impl Api {
    /// Calls `host:port` with this token; an empty one is not sent.
    pub(crate) fn at(address: &str, token: &str) -> Self {
        Self {
            address: address.to_owned(),
            token: token.to_owned(),
        }
    }

    /// A connection of its own.
    pub(crate) async fn client(&self) -> Result<DeliveryServiceClient<Channel>, Failure> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        let channel = endpoint.timeout(SETTLED).connect().await;
        let channel = channel.map_err(|it| Status::unavailable(format!("{it:?}")))?;
        Ok(DeliveryServiceClient::new(channel))
    }

    /// A message with this identity's token.
    pub(crate) fn request<T>(&self, message: T, key: Option<&str>) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        if !self.token.is_empty() {
            metadata.insert(
                "authorization",
                format!("Bearer {}", self.token).parse().unwrap(),
            );
        }
        if let Some(key) = key {
            metadata.insert("idempotency-key", key.parse().unwrap());
        }
        request
    }

    /// Reports a build.
    pub(crate) async fn report(
        &self,
        report: &Report,
        key: Option<&str>,
    ) -> Result<ReportBuildResponse, Failure> {
        let request = self.request(report.grpc(), key);
        Ok(self
            .client()
            .await?
            .report_build(request)
            .await?
            .into_inner())
    }

    /// Makes a call by its path, with an empty message and without a key. Answers once there is
    /// an answer or the beginning of a stream.
    pub(crate) async fn call_bare(&self, path: &str) -> Result<(), Failure> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        let channel = endpoint.timeout(SETTLED).connect().await.unwrap();
        let mut client = tonic::client::Grpc::new(channel);
        client.ready().await.unwrap();
        let (path, codec) = (path.parse().unwrap(), ProstCodec::<(), ()>::default());
        let request = self.request((), None);
        let called = client.server_streaming(request, path, codec).await;
        Ok(called.map(drop)?)
    }

    /// Waits until nothing is recorded any more, and everything recorded is shown.
    pub(crate) async fn quiet(&self) {
        let mut before = 0;
        let mut tick = tokio::time::interval(Duration::from_millis(300));
        loop {
            tick.tick().await;
            let request = self.request(GetStatusRequest::default(), None);
            let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
            let channel = endpoint.timeout(SETTLED).connect().await.unwrap();
            let answer = ControlServiceClient::new(channel)
                .get_status(request)
                .await
                .unwrap();
            let status = answer.into_inner();
            if status.log_position == before && status.read_position == before {
                return;
            }
            before = status.log_position;
        }
    }

    /// All deployments, newest first.
    pub(crate) async fn deployments(&self) -> Vec<Deployment> {
        let request = ListDeploymentsRequest {
            limit: 10_000,
            ..Default::default()
        };
        let request = self.request(request, None);
        let answer = self
            .client()
            .await
            .unwrap()
            .list_deployments(request)
            .await
            .unwrap();
        answer.into_inner().deployments
    }

    /// Waits until a deployment is at rest.
    pub(crate) async fn settled(&self, id: &str) -> Deployment {
        let Ok(deployment) = timeout(SETTLED, self.follow(id)).await else {
            panic!(
                "{id} is not settled after {SETTLED:?}\n{}",
                self.story(id).await
            );
        };
        deployment.unwrap_or_else(|failure| panic!("watching {id}: {failure}"))
    }

    /// Waits until a deployment has succeeded.
    pub(crate) async fn succeeded(&self, id: &str) -> Deployment {
        let deployment = self.settled(id).await;
        assert_eq!(
            deployment.state,
            "SUCCESS",
            "{deployment:#?}\n{}",
            self.story(id).await
        );
        deployment
    }

    /// Asks for an explanation until it is as wanted: slots have no watch.
    pub(crate) async fn explained(
        &self,
        subject: &str,
        wanted: impl Fn(&ExplainResponse) -> bool,
    ) -> ExplainResponse {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        let mut last = None;
        let asking = async {
            loop {
                tick.tick().await;
                match self.explain(subject).await {
                    Ok(explanation) if wanted(&explanation) => break explanation,
                    other => last = Some(other),
                }
            }
        };
        let explained = timeout(SETTLED, asking).await;
        explained.unwrap_or_else(|_| panic!("{subject} is not so in {SETTLED:?}: {last:#?}"))
    }

    /// What `Explain` says.
    pub(crate) async fn explain(&self, subject: &str) -> Result<ExplainResponse, Failure> {
        let request = self.request(
            ExplainRequest {
                subject: subject.to_owned(),
            },
            None,
        );
        Ok(self.client().await?.explain(request).await?.into_inner())
    }

    async fn follow(&self, id: &str) -> Result<Deployment, Failure> {
        let request = WatchDeploymentsRequest {
            id: id.to_owned(),
            until_settled: true,
            ..Default::default()
        };
        let request = self.request(request, None);
        let mut changes = self
            .client()
            .await?
            .watch_deployments(request)
            .await?
            .into_inner();
        let mut last = None;
        while let Some(change) = changes.message().await? {
            last = change.deployment;
        }
        Ok(last.expect("a watch begins with what is there"))
    }

    /// What `Explain` says, for messages of failed tests.
    async fn story(&self, subject: &str) -> String {
        match self.explain(subject).await {
            Ok(explanation) => format!("{explanation:#?}"),
            Err(failure) => failure.to_string(),
        }
    }
}
