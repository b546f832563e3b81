//! `towpath status`.

use proto::control::v1 as pb;

use super::{Scene, view};
use crate::failure::Failure;
use crate::output::{self, short};

pub(super) async fn run(scene: &Scene) -> Result<(), Failure> {
    let client = scene.client().await?;
    let status = client
        .control()
        .get_status(pb::GetStatusRequest::default())
        .await?
        .into_inner();
    if scene.is_json() {
        return output::json(&view::status(&status));
    }
    let behind = |position| match status.log_position.saturating_sub(position) {
        0 => "up to date".to_owned(),
        count => format!("{count} commits behind"),
    };
    output::line(&format!("version      {}", status.version))?;
    output::line(&format!(
        "log          {} epoch {}, {} commits",
        status.log_id, status.epoch, status.log_position
    ))?;
    output::line(&format!("read models  {}", behind(status.read_position)))?;
    if let Some(position) = status.archive_position {
        output::line(&format!("archive      {}", behind(position)))?;
    }
    output::line(&format!("durability   {}", durability(&status)))?;
    output::line(&format!(
        "manifests    {} ({}) at {}",
        status.manifests_url,
        status.manifests_branch,
        short(&status.manifests_tip)
    ))?;
    output::line(&format!(
        "in progress  {} deployment(s)",
        status.deployments_in_progress
    ))?;
    for role in &status.roles {
        let why = if role.message.is_empty() {
            String::new()
        } else {
            format!(": {}", role.message)
        };
        output::line(&format!("role         {} {}{why}", role.name, role.state))?;
    }
    for unwell in &status.unwell {
        output::line(&format!("unwell       {unwell}"))?;
    }
    for aside in &status.set_aside {
        output::line(&format!("set aside    {aside}"))?;
    }
    for problem in &status.manifest_problems {
        output::line(&format!("problem      {problem}"))?;
    }
    Ok(())
}

/// What the answer "stored" is worth.
fn durability(status: &pb::GetStatusResponse) -> String {
    let survives = match status.durability.as_str() {
        "fsync" => {
            "survives a process kill and a power cut; not the loss of this disk (`towpath log export` makes a copy)"
        }
        "replicated" => {
            "survives a process kill and the loss of a machine; not a power cut of all servers at once"
        }
        "memory" => "survives nothing",
        _ => "survives a process kill; not a power cut",
    };
    format!(
        "{}: {survives}; one fsync takes {} µs here",
        status.durability, status.fsync_us
    )
}
