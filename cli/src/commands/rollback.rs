//! `towpath rollback`.

use proto::delivery::v1 as pb;

use super::{Scene, view};
use crate::args;
use crate::client::keyed;
use crate::failure::Failure;
use crate::output::{self, short};

pub(super) async fn run(scene: &Scene, rollback: args::Rollback) -> Result<(), Failure> {
    let request = pb::RollbackRequest {
        application: rollback.application,
        environment: rollback.env,
        to_version: rollback.to.unwrap_or_default(),
        reason: rollback.reason,
        dry_run: rollback.dry_run,
    };
    let dry = request.dry_run;
    let answer = scene
        .client()
        .await?
        .delivery()
        .rollback(keyed(request, None)?)
        .await?
        .into_inner();
    if scene.is_json() {
        return output::answer(view::rollback(&answer), dry);
    }
    output::line(answer.diff.trim_end())?;
    if dry {
        return output::line("nothing was changed (--dry-run)");
    }
    output::line(&format!("deployment  {}", answer.deployment_id))?;
    output::line(&format!(
        "back        {} -> {}",
        answer.from_version, answer.to_version
    ))?;
    output::line(&format!(
        "held        until `towpath hold release {}`",
        answer.hold_id
    ))?;
    output::line(&format!(
        "follow      towpath deployments watch {} --until-settled",
        short(&answer.deployment_id)
    ))
}
