//! `towpath deployments`.

use std::process::ExitCode;

use proto::delivery::v1 as pb;
use serde_json::json;
use service::time::rfc3339;

use super::{Scene, view};
use crate::args;
use crate::client::{Client, keyed};
use crate::failure::Failure;
use crate::output::{self, short};

pub(super) async fn run(scene: &Scene, command: args::Deployments) -> Result<ExitCode, Failure> {
    match command {
        args::Deployments::List {
            application,
            environment,
            state,
            limit,
            as_of,
        } => {
            let request = pb::ListDeploymentsRequest {
                application: application.unwrap_or_default(),
                environment: environment.unwrap_or_default(),
                state: state.unwrap_or_default(),
                limit,
                min_position: 0,
                as_of: as_of.moment(),
            };
            list(scene, request).await?;
        }
        args::Deployments::Show { id, as_of } => {
            let request = pb::ShowDeploymentRequest {
                id,
                as_of: as_of.moment(),
            };
            let answer = scene
                .client()
                .await?
                .delivery()
                .show_deployment(request)
                .await?
                .into_inner();
            one(scene, answer.deployment.as_ref(), false)?;
        }
        args::Deployments::Watch {
            id,
            application,
            environment,
            until_settled,
        } => {
            let request = pb::WatchDeploymentsRequest {
                application: application.unwrap_or_default(),
                environment: environment.unwrap_or_default(),
                until_settled,
                id: id.unwrap_or_default(),
            };
            watch(scene, &scene.streaming().await?, request).await?;
        }
        args::Deployments::Retry { id, dry_run } => {
            let request = keyed(pb::RetryDeploymentRequest { id, dry_run }, None)?;
            let answer = scene
                .client()
                .await?
                .delivery()
                .retry_deployment(request)
                .await?
                .into_inner();
            one(scene, answer.deployment.as_ref(), dry_run)?;
        }
        args::Deployments::Abort {
            id,
            reason,
            dry_run,
        } => {
            let request = keyed(
                pb::AbortDeploymentRequest {
                    id,
                    reason,
                    dry_run,
                },
                None,
            )?;
            let answer = scene
                .client()
                .await?
                .delivery()
                .abort_deployment(request)
                .await?
                .into_inner();
            one(scene, answer.deployment.as_ref(), dry_run)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(scene: &Scene, request: pb::ListDeploymentsRequest) -> Result<(), Failure> {
    let answer = scene
        .client()
        .await?
        .delivery()
        .list_deployments(request)
        .await?
        .into_inner();
    if scene.is_json() {
        let all: Vec<_> = answer.deployments.iter().map(view::deployment).collect();
        return output::json(&json!({ "deployments": all, "position": answer.position }));
    }
    let rows: Vec<_> = answer
        .deployments
        .iter()
        .map(|it| {
            let places: Vec<_> = it
                .stages
                .iter()
                .flat_map(|stage| &stage.environments)
                .map(|at| format!("{}={}", at.environment, at.state))
                .collect();
            let at = rfc3339(it.created_at_us);
            vec![
                short(&it.id),
                it.application.clone(),
                it.version.clone(),
                it.state.clone(),
                it.kind.clone(),
                places.join(" "),
                at,
            ]
        })
        .collect();
    output::table(
        &[
            "ID",
            "APPLICATION",
            "VERSION",
            "STATE",
            "KIND",
            "ENVIRONMENTS",
            "CREATED",
        ],
        &rows,
    )
}

fn one(scene: &Scene, found: Option<&pb::Deployment>, dry: bool) -> Result<(), Failure> {
    let Some(it) = found else { return Ok(()) };
    if scene.is_json() {
        return output::answer(json!({ "deployment": view::deployment(it) }), dry);
    }
    output::line(&format!("deployment   {}", it.id))?;
    output::line(&format!(
        "application  {} {} ({})",
        it.application, it.version, it.kind
    ))?;
    output::line(&format!("image        {}", it.digest))?;
    output::line(&format!("state        {}", it.state))?;
    if !it.message.is_empty() {
        output::line(&format!("message      {}", it.message))?;
    }
    for stage in &it.stages {
        for at in &stage.environments {
            let commit = if at.manifest_commit.is_empty() {
                "-"
            } else {
                &at.manifest_commit
            };
            output::line(&format!(
                "environment  {} {} commit {commit} {}",
                at.environment, at.state, at.url
            ))?;
        }
    }
    output::line(&format!(
        "created      {} by {}",
        rfc3339(it.created_at_us),
        it.requested_by
    ))?;
    output::line(&format!("why          towpath explain {}", short(&it.id)))?;
    output::note_dry(dry)
}

async fn watch(
    scene: &Scene,
    client: &Client,
    request: pb::WatchDeploymentsRequest,
) -> Result<Option<pb::Deployment>, Failure> {
    let mut updates = client
        .delivery()
        .watch_deployments(request)
        .await?
        .into_inner();
    let mut last = None;
    while let Some(update) = updates.message().await.map_err(Failure::of_stream)? {
        let Some(it) = update.deployment else {
            continue;
        };
        if scene.is_json() {
            output::json(&view::deployment(&it))?;
        } else {
            let places: Vec<_> = it
                .stages
                .iter()
                .flat_map(|stage| &stage.environments)
                .map(|at| format!("{}={}", at.environment, at.state))
                .collect();
            output::line(&format!(
                "{}  {}  {} {}  {:<11}  {}",
                rfc3339(it.updated_at_us),
                short(&it.id),
                it.application,
                it.version,
                it.state,
                places.join(" ")
            ))?;
        }
        last = Some(it);
    }
    Ok(last)
}

/// Follows one deployment to its rest; says whether it succeeded.
pub(super) async fn follow(scene: &Scene, client: &Client, id: &str) -> Result<bool, Failure> {
    // The build is recorded; its deployment follows within moments.
    for pause in [10_u64, 20, 50, 100, 200, 500, 1_000, 2_000] {
        let request = pb::ShowDeploymentRequest {
            id: id.to_owned(),
            ..Default::default()
        };
        match client.delivery().show_deployment(request).await {
            Ok(_) => break,
            Err(status) if status.code() == tonic::Code::NotFound => {
                tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
            }
            Err(status) => return Err(status.into()),
        }
    }
    let request = pb::WatchDeploymentsRequest {
        id: id.to_owned(),
        until_settled: true,
        ..Default::default()
    };
    let last = watch(scene, client, request).await?;
    let succeeded = last.as_ref().is_some_and(|it| it.state == "SUCCESS");
    if let Some(it) = last.filter(|_| !succeeded && !scene.is_json()) {
        output::line(&format!("{}: {}", it.state, it.message))?;
        output::line(&format!("why: towpath explain {}", short(&it.id)))?;
    }
    Ok(succeeded)
}
