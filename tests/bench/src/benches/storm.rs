//! Build reports of many applications at once, until every commit stands in the remote.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::promotions::{FLOOR, floor};
use crate::figure::{Figure, Goal, Unit};
use crate::ground::{Ground, application, manifests, remote};
use crate::program::git;
use crate::samples::rate;
use crate::server::{Reporter, Server};

/// Reports under way at once.
const CLIENTS: usize = 32;
/// All of it takes no longer.
const LIMIT: Duration = Duration::from_mins(5);

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>> {
    let applications = ground.pick(1000, 200);
    let room = ground.room("storm")?;
    let ours = room.join("remote.git");
    let begin = remote(&ours, &manifests(applications)).await?;
    let from = ours.to_str().context("a path is not UTF-8")?;
    git(&room, &["clone", "--quiet", "--mirror", from, "copy.git"])?;
    let server = Server::start(ground, &room, &ours)?;
    let reporter = server.reporter();
    let began = Instant::now();
    let (reports, landed) = tokio::join!(
        async {
            let reported = report_all(&reporter, applications).await;
            reported.map(|()| began.elapsed())
        },
        landed(&ours, begin.as_str(), applications)
    );
    let (reports, ()) = (reports?, landed?);
    let took = began.elapsed();
    let memory = server.resident_mib()?;
    let floor = floor(&room, &ours, &begin, applications)?;
    server.stop()?;
    let what = format!("build reports → commits, {applications} applications at once");
    Ok(vec![
        Figure::new(what, rate(applications, took), Unit::CommitsPerS)
            .floor(FLOOR, rate(applications, floor))
            .goal(Goal::PartOfFloor(0.5))
            .note(format!(
                "all reports answered after {:.1} s, all commits landed after {:.1} s, {memory:.0} MiB resident",
                reports.as_secs_f64(),
                took.as_secs_f64()
            )),
    ])
}

async fn report_all(reporter: &Reporter, applications: usize) -> Result<()> {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let reporter = reporter.clone();
        clients.spawn_blocking(move || {
            for at in (client..applications).step_by(CLIENTS) {
                reporter.report(&application(at), "1.0.0")?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(client) = clients.join_next().await {
        client.map_err(|error| anyhow!("a client broke: {error}"))??;
    }
    Ok(())
}

/// Waits until so many commits stand in the remote.
async fn landed(remote: &Path, begin: &str, commits: usize) -> Result<()> {
    let range = format!("{begin}..main");
    let began = Instant::now();
    while git(remote, &["rev-list", "--count", &range])? != commits.to_string() {
        ensure!(
            began.elapsed() < LIMIT,
            "not all commits landed within {LIMIT:?}"
        );
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
