//! `ListApprovals`.

use proto::approval::v1 as pb;
use service::Fault;

use super::shape::shape;
use crate::Inner;
use crate::domain::approval::Standing;
use crate::process::Known;

impl Inner {
    pub(super) async fn list_approvals(
        &self,
        all: bool,
    ) -> Result<pb::ListApprovalsResponse, Fault> {
        self.read_now().await?;
        let world = self.world();
        let is_asked = |it: &Known| {
            it.state
                .as_ref()
                .is_some_and(|it| matches!(it.standing, Standing::Open | Standing::Rejected { .. }))
        };
        let mut found: Vec<_> = world
            .approvals()
            .filter(|(_, it)| all || is_asked(it))
            .collect();
        found.sort_by_key(|(id, it)| (std::cmp::Reverse(it.opened_at_us), *id));
        let approvals = found.into_iter().map(|(id, it)| shape(id, it));
        Ok(pb::ListApprovalsResponse {
            approvals: approvals.collect::<Result<_, _>>()?,
        })
    }
}
