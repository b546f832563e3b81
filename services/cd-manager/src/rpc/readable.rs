//! States as far as this binary can read them: explaining goes on where deciding is refused.

use eventlog::ReadError;
use ids::{AggregateId, Uuid};
use proto::delivery::v1 as pb;
use service::Fault;

use crate::Inner;
use crate::domain::deployment::{self, Deployment};
use crate::domain::slot;

impl Inner {
    pub(super) async fn readable_deployment(&self, id: Uuid) -> Result<deployment::State, Fault> {
        match self.deployments.load(id).await {
            Ok(loaded) => Ok(loaded.state),
            Err(ReadError::Unknown(_)) => Ok(self.world().deployment_state(id)),
            Err(other) => Err(other.into()),
        }
    }

    pub(super) async fn readable_slot(&self, id: Uuid) -> Result<slot::State, Fault> {
        match self.slots.load(id).await {
            Ok(loaded) => Ok(loaded.state),
            Err(ReadError::Unknown(_)) => Ok(self.world().slot_state(id)),
            Err(other) => Err(other.into()),
        }
    }

    /// What keeps a deployment from going on because this binary cannot read it.
    pub(super) fn unreadable(&self, id: Uuid, deployment: &Deployment) -> Vec<pb::Waiting> {
        let world = self.world();
        let aside = world.aside_for(id, deployment);
        aside.into_iter().map(newer).collect()
    }

    /// The same for one aggregate.
    pub(super) fn unreadable_aggregate(&self, id: Uuid) -> Option<pb::Waiting> {
        self.world().aside().get(&id).map(newer)
    }
}

fn newer((aggregate, why): &(AggregateId, String)) -> pb::Waiting {
    pb::Waiting {
        on: "unknown-event".into(),
        why: format!("{aggregate} was written by a newer version of Towpath: {why}"),
        who_can_act: "whoever operates Towpath".into(),
        next: "it is left alone, everything else goes on; it goes on by itself after an upgrade"
            .into(),
        looked_at_us: 0,
    }
}
