//! `RetryDeployment`.

use eventlog::Context;
use proto::delivery::v1 as pb;
use service::Fault;

use crate::Inner;
use crate::domain::deployment::Command;

impl Inner {
    pub(super) async fn retry_deployment(
        &self,
        context: &Context,
        request: &pb::RetryDeploymentRequest,
    ) -> Result<pb::RetryDeploymentResponse, Fault> {
        let id = self.deployment_id(&request.id).await?;
        self.ask(id, context, &Command::Retry, request.dry_run)
            .await?;
        Ok(pb::RetryDeploymentResponse {
            deployment: Some(self.deployment_row(id).await?),
        })
    }
}
