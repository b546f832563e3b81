//! `ListEnvironments`: those of the manifests, and those the log knows.

use std::collections::BTreeMap;

use proto::delivery::v1 as pb;
use service::Fault;

use crate::{Inner, queries};

impl Inner {
    pub(super) async fn list_environments(
        &self,
        request: &pb::ListEnvironmentsRequest,
    ) -> Result<pb::ListEnvironmentsResponse, Fault> {
        if !request.as_of.is_empty() {
            let moment = self.moment(&request.as_of).await?;
            let past = self.past(moment).await?;
            // What the manifests said then is not in the log: only what was promoted is known.
            let environments = queries::environments(past.reads(), "", moment.now_us).await?;
            return Ok(pb::ListEnvironmentsResponse { environments });
        }
        self.read_now().await?;
        let known = queries::environments(&self.deps.reads, "", self.deps.clock.now_us()).await?;
        let mut all: BTreeMap<String, pb::Environment> =
            known.into_iter().map(|it| (it.name.clone(), it)).collect();
        if let Ok(snapshot) = self.deps.desk.look().await {
            for environment in snapshot.graph.environments() {
                let name = environment.meta.name.to_string();
                all.entry(name.clone()).or_insert(pb::Environment {
                    name,
                    slots: vec![],
                });
            }
        }
        Ok(pb::ListEnvironmentsResponse {
            environments: all.into_values().collect(),
        })
    }
}
