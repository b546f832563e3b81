//! `towpath build report`: what CI says.

use std::process::ExitCode;

use proto::delivery::v1 as pb;

use super::{Scene, deployments, view};
use crate::args;
use crate::client::keyed;
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(
    scene: &Scene,
    args::Build::Report(report): args::Build,
) -> Result<ExitCode, Failure> {
    let client = if report.wait {
        scene.streaming().await?
    } else {
        scene.client().await?
    };
    let request = pb::ReportBuildRequest {
        definition: report.definition,
        container: report.container,
        version: report.version,
        release_type: report.release_type,
        digest: report.digest,
        registries: report.registries,
        commit: report.commit.unwrap_or_default(),
        ci_run: report.ci_run,
        dry_run: report.dry_run,
    };
    let request = keyed(request, report.idempotency_key.as_deref())?;
    let answer = client.delivery().report_build(request).await?.into_inner();
    if scene.is_json() {
        output::answer(view::report(&answer), report.dry_run)?;
    } else {
        show(&answer)?;
        output::note_dry(report.dry_run)?;
    }
    if !report.wait || report.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    let mut succeeded = true;
    for deployment in &answer.deployments {
        succeeded &= deployments::follow(scene, &client, &deployment.id).await?;
    }
    Ok(if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn show(answer: &pb::ReportBuildResponse) -> Result<(), Failure> {
    output::line(&format!("build       {} {}", answer.build_id, answer.state))?;
    for deployment in &answer.deployments {
        output::line(&format!(
            "deployment  {} {}",
            deployment.id, deployment.application
        ))?;
    }
    if !answer.wanted_manifest.is_empty() {
        output::line("no Application is made from this build; this manifest would match:")?;
        output::line(answer.wanted_manifest.trim_end())?;
    }
    Ok(())
}
