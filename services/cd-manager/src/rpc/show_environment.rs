//! `ShowEnvironment`.

use proto::delivery::v1 as pb;
use service::fault::{Fault, Kind};

use crate::{Inner, queries};

impl Inner {
    pub(super) async fn show_environment(
        &self,
        name: &str,
    ) -> Result<pb::ShowEnvironmentResponse, Fault> {
        self.read_now().await?;
        let found = queries::environments(&self.deps.reads, name, self.deps.clock.now_us()).await?;
        if let Some(environment) = found.into_iter().find(|it| it.name == name) {
            return Ok(pb::ShowEnvironmentResponse {
                environment: Some(environment),
            });
        }
        let snapshot = self.manifests().await?;
        if snapshot.graph.environment(name).is_some() {
            let environment = pb::Environment {
                name: name.to_owned(),
                slots: vec![],
            };
            return Ok(pb::ShowEnvironmentResponse {
                environment: Some(environment),
            });
        }
        let known: Vec<_> = snapshot
            .graph
            .environments()
            .map(|it| it.meta.name.to_string())
            .collect();
        let what = format!("there is no environment `{}`", super::shown(name));
        Err(Fault::new(Kind::NotFound, "not-found", what)
            .fix(format!("there are: {}", known.join(", "))))
    }
}
