//! `ShowDeployment`.

use proto::delivery::v1 as pb;
use service::Fault;

use crate::Inner;

impl Inner {
    pub(super) async fn show_deployment(
        &self,
        id: &str,
    ) -> Result<pb::ShowDeploymentResponse, Fault> {
        let id = self.deployment_id(id).await?;
        Ok(pb::ShowDeploymentResponse {
            deployment: Some(self.deployment_row(id).await?),
        })
    }
}
