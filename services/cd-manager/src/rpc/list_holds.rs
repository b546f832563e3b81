//! `ListHolds`.

use proto::delivery::v1 as pb;
use service::Fault;

use crate::{Inner, queries};

impl Inner {
    pub(super) async fn list_holds(&self, all: bool) -> Result<pb::ListHoldsResponse, Fault> {
        self.read_now().await?;
        let holds = queries::holds(&self.deps.reads, all, self.deps.clock.now_us()).await?;
        Ok(pb::ListHoldsResponse { holds })
    }
}
