//! `ShowDeployment`.

use proto::delivery::v1 as pb;
use service::Fault;

use crate::{Inner, queries};

impl Inner {
    pub(super) async fn show_deployment(
        &self,
        request: &pb::ShowDeploymentRequest,
    ) -> Result<pb::ShowDeploymentResponse, Fault> {
        let deployment = if request.as_of.is_empty() {
            let id = self.deployment_id(&request.id).await?;
            self.deployment_row(id).await?
        } else {
            self.deployment_then(request).await?
        };
        Ok(pb::ShowDeploymentResponse {
            deployment: Some(deployment),
        })
    }

    async fn deployment_then(
        &self,
        request: &pb::ShowDeploymentRequest,
    ) -> Result<pb::Deployment, Fault> {
        let moment = self.moment(&request.as_of).await?;
        let past = self.past(moment).await?;
        let id = self
            .deployment_id_then(&past, &request.id)
            .await?
            .to_string();
        let wanted = queries::Wanted {
            id: &id,
            limit: 1,
            ..queries::Wanted::default()
        };
        let found = queries::deployments(past.reads(), &wanted).await?.pop();
        found.ok_or_else(|| Fault::broken(format!("deployment {id} was there and is not")))
    }
}
