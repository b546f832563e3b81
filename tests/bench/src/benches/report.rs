//! A build report until its commit stands in the remote, while nothing else happens.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::time::Instant;

use crate::figure::{Figure, Goal, Unit};
use crate::ground::{Ground, application, manifests, remote};
use crate::program::{git, program};
use crate::samples::Samples;
use crate::server::Server;

const APPLICATIONS: usize = 100;
/// How often the branch is looked at.
const LOOK: Duration = Duration::from_micros(100);
/// A commit that takes longer does not come.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>> {
    let room = ground.room("report")?;
    let ours = room.join("ours.git");
    remote(&ours, &manifests(APPLICATIONS)).await?;
    let copy = room.join("copy.git");
    let mirror = room.join("mirror.git");
    for clone in [&copy, &mirror] {
        let (from, to) = (path(&ours)?, path(clone)?);
        git(&room, &["clone", "--quiet", "--mirror", from, to])?;
    }
    let server = Server::start(ground, &room, &ours)?;
    let (mut measured, mut floor) = (Samples::default(), Samples::default());
    let rounds = ground.pick(60, 15);
    // The first one finds nothing in memory; it is no idle server yet.
    for round in 0..=rounds {
        let (commit, took) = report(&server, &ours, round)?;
        let pushed = push(&mirror, &ours, &copy, &commit)?;
        if round > 0 {
            measured.extend(took);
            floor.extend(pushed);
        }
    }
    server.stop()?;
    let value = measured.p50();
    Ok(vec![
        Figure::new("build report → commit on a local remote, idle, p50", value, Unit::Ms)
            .floor(
                "one `git push` of the same commit from a warm bare mirror, until the branch has moved, p50",
                floor.p50(),
            )
            .goal(Goal::AboveFloor(20.0))
            .gates()
            .note(format!(
                "p99 {:.1} ms (floor {:.1} ms), {} reports, {APPLICATIONS} applications",
                measured.p99(),
                floor.p99(),
                measured.len()
            )),
    ])
}

/// One report, and the commit that came of it.
fn report(server: &Server, remote: &Path, round: usize) -> Result<(String, Samples)> {
    let name = application(round % APPLICATIONS);
    let watch = Watch::of(remote)?;
    let mut took = Samples::default();
    let began = Instant::now();
    let reporter = server.reporter();
    let reported = std::thread::spawn(move || reporter.report(&name, &format!("1.0.{round}")));
    let commit = watch.moved()?;
    took.since(began);
    let deployment = reported
        .join()
        .map_err(|_| anyhow::anyhow!("the reporting thread panicked"))??;
    server.settled(&deployment)?;
    Ok((commit, took))
}

/// The floor: the same commit to a copy of the remote.
fn push(mirror: &Path, from: &Path, to: &Path, commit: &str) -> Result<Samples> {
    git(mirror, &["fetch", "--quiet", path(from)?, "main"])?;
    let watch = Watch::of(to)?;
    let mut took = Samples::default();
    let began = Instant::now();
    let mut child = program(Path::new("git"), mirror)
        .args(["push", "--quiet", path(to)?])
        .arg(format!("{commit}:refs/heads/main"))
        .stderr(Stdio::null())
        .spawn()?;
    let moved = watch.moved();
    took.since(began);
    ensure!(child.wait()?.success(), "git push failed");
    ensure!(moved? == commit, "another commit was pushed");
    Ok(took)
}

/// Looks at a branch from a thread of its own until it moves.
struct Watch(mpsc::Receiver<String>);

impl Watch {
    fn of(remote: &Path) -> Result<Self> {
        let file: PathBuf = remote.join("refs/heads/main");
        let before = match std::fs::read_to_string(&file) {
            Ok(text) => text.trim().to_owned(),
            // A fresh clone has it in `packed-refs`.
            Err(_) => git(remote, &["rev-parse", "refs/heads/main"])?,
        };
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let began = Instant::now();
            while began.elapsed() < LIMIT {
                match std::fs::read_to_string(&file) {
                    Ok(now) if now.trim() != before => {
                        // Nobody listens any more when the bench broke off.
                        tell.send(now.trim().to_owned()).ok();
                        return;
                    }
                    _ => std::thread::sleep(LOOK),
                }
            }
        });
        Ok(Self(told))
    }

    fn moved(&self) -> Result<String> {
        self.0.recv().context("no commit came within 30 s")
    }
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().context("a path is not UTF-8")
}
