//! `ShowEnvironment`.

use proto::delivery::v1 as pb;
use service::fault::{Fault, Kind, shown};

use crate::{Inner, queries};

impl Inner {
    pub(super) async fn show_environment(
        &self,
        request: &pb::ShowEnvironmentRequest,
    ) -> Result<pb::ShowEnvironmentResponse, Fault> {
        let name = request.name.as_str();
        if !request.as_of.is_empty() {
            return self.environment_then(name, &request.as_of).await;
        }
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
        let what = format!("there is no environment `{}`", shown(name));
        Err(Fault::new(Kind::NotFound, "not-found", what)
            .fix(format!("there are: {}", known.join(", "))))
    }

    async fn environment_then(
        &self,
        name: &str,
        as_of: &str,
    ) -> Result<pb::ShowEnvironmentResponse, Fault> {
        let moment = self.moment(as_of).await?;
        let past = self.past(moment).await?;
        let all = queries::environments(past.reads(), name, moment.now_us).await?;
        let environment = all.into_iter().find(|it| it.name == name);
        if environment.is_none() {
            let what = format!("nothing was promoted to `{}` by then", shown(name));
            return Err(Fault::new(Kind::NotFound, "not-found", what)
                .fix("`towpath environments list --as-of …` shows those that there were"));
        }
        Ok(pb::ShowEnvironmentResponse { environment })
    }
}
