//! `AbortDeployment`.

use eventlog::Context;
use proto::delivery::v1 as pb;
use service::Fault;

use crate::Inner;
use crate::domain::deployment::Command;

impl Inner {
    pub(super) async fn abort_deployment(
        &self,
        context: &Context,
        request: &pb::AbortDeploymentRequest,
    ) -> Result<pb::AbortDeploymentResponse, Fault> {
        let id = self.deployment_id(&request.id).await?;
        let command = Command::Abort {
            reason: super::text("reason", &request.reason)?,
        };
        self.ask(id, context, &command, request.dry_run).await?;
        Ok(pb::AbortDeploymentResponse {
            deployment: Some(self.deployment_row(id).await?),
        })
    }
}
