//! Ten thousand manifests: all of them anew, and with one changed.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use git::{Change, EditOutcome, FileEdit, Limits, Writer};
use ids::{Oid, derive};
use source::Desk;
use tokio::time::Instant;

use crate::figure::{Figure, Goal, Unit};
use crate::ground::{self, Ground, NOW_US, application, author, config_file, remote};
use crate::program::git;
use crate::samples::Samples;

/// Three files each, and one with the rest.
const APPLICATIONS: usize = 3333;

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>> {
    let room = ground.room("manifests")?;
    let files = ground::manifests(APPLICATIONS);
    let path = room.join("remote.git");
    let begin = remote(&path, &files).await?;
    let url = path.to_str().context("a path is not UTF-8")?;
    let cold = cold(&room, url, &begin, &files, ground.pick(5, 3)).await?;
    let warm = warm(&room, url, &begin, ground.pick(200, 40)).await?;
    Ok(vec![warm, cold])
}

async fn cold(
    room: &Path,
    url: &str,
    begin: &Oid,
    files: &[(String, String)],
    rounds: usize,
) -> Result<Figure> {
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    for round in 0..rounds {
        let desk = Desk::open(&room.join(format!("cold-{round}")), url, "main").await?;
        desk.mirror().fetch("main").await?;
        let began = Instant::now();
        let snapshot = desk.at(begin).await?;
        ours.since(began);
        ensure!(
            snapshot.problems.is_empty(),
            "the manifests have problems: {:?}",
            snapshot.problems
        );
        let began = Instant::now();
        for (path, text) in files.iter().filter(|(path, _)| path.contains('/')) {
            let parsed: yaml_serde::Value =
                yaml_serde::from_str(text).with_context(|| path.clone())?;
            ensure!(parsed.is_mapping(), "{path} is no mapping");
        }
        floor.since(began);
    }
    let what = format!("{} manifests, cold, p50", files.len());
    Ok(Figure::new(what, ours.p50(), Unit::Ms)
        .floor("the same files parsed by another parser", floor.p50())
        .goal(Goal::AtMost(1500.0)))
}

async fn warm(room: &Path, url: &str, begin: &Oid, rounds: usize) -> Result<Figure> {
    let desk = Desk::open(&room.join("warm"), url, "main").await?;
    desk.look().await?;
    let commits = changes(&desk, begin, rounds).await?;
    let mirror = room.join("floor.git");
    git(room, &["clone", "--quiet", "--mirror", url, "floor.git"])?;
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    for pair in commits.windows(2) {
        let began = Instant::now();
        desk.at(&pair[1]).await?;
        ours.since(began);
        let began = Instant::now();
        let [old, new] = [&pair[0], &pair[1]].map(Oid::as_str);
        let changed = git(&mirror, &["diff-tree", "-r", "--name-only", old, new])?;
        floor.since(began);
        ensure!(changed.lines().count() == 1, "{new} changed more than one");
    }
    Ok(
        Figure::new("the same with one changed, warm, p99", ours.p99(), Unit::Ms)
            .floor("`git diff-tree -r` of the two commits, p99", floor.p99())
            .goal(Goal::AtMost(10.0))
            .note(format!(
                "p50 {:.1} ms (floor {:.1} ms), {} commits",
                ours.p50(),
                floor.p50(),
                ours.len()
            )),
    )
}

/// Commits on top of each other that change one manifest each.
async fn changes(desk: &Desk, begin: &Oid, count: usize) -> Result<Vec<Oid>> {
    let writer = Writer::spawn(
        desk.mirror().clone(),
        "main",
        author(),
        Limits::unlimited(),
        Arc::new(|| NOW_US),
    )?;
    let mut commits = vec![begin.clone()];
    for number in 0..count {
        let edit = move |before: Option<&[u8]>| {
            let mut text = before.unwrap_or_default().to_vec();
            text.extend_from_slice(format!("# change {number}\n").as_bytes());
            Ok(EditOutcome::Replace(text))
        };
        let change = Change {
            id: derive::id("bench-manifest", &[&number.to_string()]),
            files: vec![FileEdit {
                path: config_file(&application(number * 7 % APPLICATIONS)),
                edit: Arc::new(edit),
            }],
            subject: format!("Change {number}"),
            body: String::new(),
            trailers: Vec::new(),
            since: None,
        };
        commits.push(writer.submit(change).await?.commit);
    }
    Ok(commits)
}
