//! `ListEnvironments`: those of the manifests, and those the log knows.

use std::collections::BTreeMap;

use proto::delivery::v1 as pb;
use service::Fault;

use crate::{Inner, queries};

impl Inner {
    pub(super) async fn list_environments(&self) -> Result<pb::ListEnvironmentsResponse, Fault> {
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
