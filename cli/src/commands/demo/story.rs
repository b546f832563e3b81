//! What the demo shows, step by step, through the same calls that everybody else makes.

use std::path::Path;

use proto::delivery::v1 as pb;

use super::world::{APPLICATION, World};
use crate::args::Connection;
use crate::client::{Client, keyed};
use crate::failure::Failure;
use crate::output;

/// What there is to look at afterwards.
pub(super) struct Told {
    deployment: String,
    commit: String,
    url: String,
    failed: String,
}

pub(super) async fn tell(world: &World, connection: &Connection) -> Result<Told, Failure> {
    let connection = Connection {
        streams: true,
        ..connection.clone()
    };
    let client = Client::connect(&connection).await?;
    let major = next_major(&client).await?;
    output::line("")?;
    output::line(&format!(
        "1. CI reports storefront {major}.0.0: it goes to development, then to staging."
    ))?;
    let first = promote(world, &client, &format!("{major}.0.0"), None).await?;
    expect(&first, "SUCCESS")?;
    output::line("")?;
    output::line(&format!(
        "2. CI reports {major}.1.0, whose health probe answers 500: {major}.0.0 goes on serving."
    ))?;
    let broken = Some("cannot reach the database");
    let second = promote(world, &client, &format!("{major}.1.0"), broken).await?;
    expect(&second, "FAILED")?;
    output::line(&format!("   why: {}", second.message))?;
    output::line("")?;
    output::line(&format!("3. CI reports {major}.2.0, which is well."))?;
    let third = promote(world, &client, &format!("{major}.2.0"), None).await?;
    expect(&third, "SUCCESS")?;
    let last = third
        .stages
        .iter()
        .flat_map(|it| &it.environments)
        .next_back();
    let (commit, url) = last
        .map(|it| (it.manifest_commit.clone(), it.url.clone()))
        .unwrap_or_default();
    Ok(Told {
        deployment: third.id,
        commit,
        url,
        failed: second.id,
    })
}

/// The demo can be shown again on the same server: each time with versions of its own.
async fn next_major(client: &Client) -> Result<u64, Failure> {
    let request = pb::ListDeploymentsRequest {
        application: APPLICATION.to_owned(),
        limit: 1_000,
        ..Default::default()
    };
    let all = client.delivery().list_deployments(request).await?;
    let majors = all.into_inner().deployments;
    let majors = majors
        .iter()
        .filter_map(|it| it.version.split('.').next()?.parse::<u64>().ok());
    Ok(majors.max().unwrap_or(0) + 1)
}

async fn promote(
    world: &World,
    client: &Client,
    version: &str,
    broken: Option<&str>,
) -> Result<pb::Deployment, Failure> {
    let digest = world.build(version, broken)?;
    let report = pb::ReportBuildRequest {
        definition: APPLICATION.to_owned(),
        container: APPLICATION.to_owned(),
        version: version.to_owned(),
        release_type: "LATEST".to_owned(),
        digest: digest.to_string(),
        registries: vec!["local".to_owned()],
        ..Default::default()
    };
    let answer = client
        .delivery()
        .report_build(keyed(report, None)?)
        .await?
        .into_inner();
    let Some(deployment) = answer.deployments.first() else {
        return Err(Failure::broke(
            "demo",
            format!("the build was {} and went nowhere", answer.state),
        ));
    };
    follow(client, &deployment.id).await
}

/// Shows each step of a deployment as it happens, until it rests.
async fn follow(client: &Client, id: &str) -> Result<pb::Deployment, Failure> {
    let mut shown: Vec<(String, String)> = Vec::new();
    loop {
        let request = pb::WatchDeploymentsRequest {
            id: id.to_owned(),
            until_settled: true,
            ..Default::default()
        };
        let mut updates = match client.delivery().watch_deployments(request).await {
            Ok(updates) => updates.into_inner(),
            // The build is recorded; its deployment follows within moments.
            Err(status) if status.code() == tonic::Code::NotFound => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            }
            Err(status) => return Err(status.into()),
        };
        let mut last = None;
        while let Some(update) = updates.message().await.map_err(Failure::of_stream)? {
            let Some(it) = update.deployment else {
                continue;
            };
            for at in it.stages.iter().flat_map(|stage| &stage.environments) {
                let step = (at.environment.clone(), at.state.clone());
                if at.state == "WAITING" || shown.contains(&step) {
                    continue;
                }
                let detail = match at.state.as_str() {
                    "RECONCILING" => format!("commit {}", output::short(&at.manifest_commit)),
                    "SUCCESS" => at.url.clone(),
                    _ => String::new(),
                };
                output::line(
                    format!("   {:<12} {:<12} {detail}", at.environment, at.state).trim_end(),
                )?;
                shown.push(step);
            }
            last = Some(it);
        }
        return last
            .ok_or_else(|| Failure::broke("demo", format!("deployment {id} was never seen")));
    }
}

fn expect(deployment: &pb::Deployment, state: &str) -> Result<(), Failure> {
    if deployment.state == state {
        return Ok(());
    }
    let what = format!(
        "deployment {} is {}, not {state}: {}",
        deployment.id, deployment.state, deployment.message
    );
    Err(Failure::broke("demo", what))
}

impl Told {
    /// With the data directory of the demo's own server, also how to ask that.
    pub(super) fn print(&self, world: &World, data: Option<&Path>) -> Result<(), Failure> {
        output::line("")?;
        output::line(&format!("deployment  {}", self.deployment))?;
        output::line(&format!("commit      {}", self.commit))?;
        output::line(&format!("remote      {}", world.remote.display()))?;
        output::line(&format!("url         {}", self.url))?;
        output::line("")?;
        output::line(match data {
            Some(_) => "Look at it (with --keep it stays up):",
            None => "Look at it:",
        })?;
        output::line(&format!(
            "  git -C {} log --format='%h %s  %(trailers:key=Towpath-Deployment,valueonly)'",
            world.remote.display()
        ))?;
        let Some(data) = data else {
            return Ok(());
        };
        let data = data.display();
        output::line(&format!("  towpath --data {data} environments list"))?;
        output::line(&format!(
            "  towpath --data {data} explain {}",
            output::short(&self.failed)
        ))?;
        output::line(&format!(
            "  towpath --data {data} rollback {APPLICATION} --env staging --dry-run"
        ))?;
        output::line(&format!("  towpath --data {data} log verify"))
    }
}
