//! `ShowApproval`.

use proto::approval::v1 as pb;
use service::Fault;

use super::shape::shape;
use crate::Inner;

impl Inner {
    pub(super) async fn show_approval(
        &self,
        request: &pb::ShowApprovalRequest,
    ) -> Result<pb::ShowApprovalResponse, Fault> {
        let (id, known) = self.find(&request.deployment, &request.stage).await?;
        Ok(pb::ShowApprovalResponse {
            approval: Some(shape(id, &known)?),
        })
    }
}
