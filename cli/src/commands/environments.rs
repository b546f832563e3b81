//! `towpath environments`.

use proto::delivery::v1 as pb;
use serde_json::json;

use super::{Scene, view};
use crate::args;
use crate::failure::Failure;
use crate::output::{self, short};

pub(super) async fn run(scene: &Scene, command: args::Environments) -> Result<(), Failure> {
    let mut client = scene.client().await?.delivery();
    match command {
        args::Environments::List { as_of } => {
            let all = client
                .list_environments(pb::ListEnvironmentsRequest {
                    as_of: as_of.moment(),
                })
                .await?
                .into_inner()
                .environments;
            if scene.is_json() {
                let all: Vec<_> = all.iter().map(view::environment).collect();
                return output::json(&json!({ "environments": all }));
            }
            slots(&all)
        }
        args::Environments::Show { name, as_of } => {
            let found = client
                .show_environment(pb::ShowEnvironmentRequest {
                    name,
                    as_of: as_of.moment(),
                })
                .await?
                .into_inner()
                .environment;
            if scene.is_json() {
                return output::json(
                    &json!({ "environment": found.as_ref().map(view::environment) }),
                );
            }
            let found: Vec<_> = found.into_iter().collect();
            slots(&found)?;
            for hold in found
                .iter()
                .flat_map(|it| &it.slots)
                .flat_map(|it| &it.holds)
            {
                output::line(&format!(
                    "held  {} {}: {}  ({})",
                    hold.scope, hold.subject, hold.reason, hold.id
                ))?;
            }
            Ok(())
        }
    }
}

fn slots(all: &[pb::Environment]) -> Result<(), Failure> {
    let dash = |text: &str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text.to_owned()
        }
    };
    let mut rows = Vec::new();
    for environment in all {
        if environment.slots.is_empty() {
            rows.push(
                [environment.name.as_str(), "-", "-", "-", "-", "-", "-"]
                    .map(str::to_owned)
                    .to_vec(),
            );
        }
        for slot in &environment.slots {
            rows.push(vec![
                environment.name.clone(),
                slot.application.clone(),
                dash(&slot.version),
                slot.state.clone(),
                dash(&slot.waiting_version),
                dash(&short(&slot.deployment_id)),
                dash(&slot.url),
            ]);
        }
    }
    output::table(
        &[
            "ENVIRONMENT",
            "APPLICATION",
            "VERSION",
            "STATE",
            "NEXT",
            "DEPLOYMENT",
            "URL",
        ],
        &rows,
    )
}
