//! Promotions of many applications into one branch, by the writer alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use git::{Change, EditOutcome, FileEdit, Limits, Mirror, Options, Writer};
use ids::{Digest, Oid, derive};
use manifests::{Cache, Graph, Location, Values};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::figure::{Figure, Goal, Unit};
use crate::ground::{ENVIRONMENT, Ground, NOW_US, application, author, manifests, remote};
use crate::program::{git, git_bytes};
use crate::samples::rate;

const APPLICATIONS: usize = 1000;

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>> {
    let mut figures = vec![sustained(ground, ground.pick(5, 2)).await?];
    if !ground.quick {
        figures.extend(burst(ground, 10_000).await?);
    }
    Ok(figures)
}

/// Each application is promoted so often.
async fn sustained(ground: &Ground, rounds: usize) -> Result<Figure> {
    let room = ground.room("promotions")?;
    let field = Field::lay(&room, APPLICATIONS).await?;
    let began = Instant::now();
    let mut all = JoinSet::new();
    for at in 0..APPLICATIONS {
        let (writer, location) = (field.writer.clone(), Arc::clone(&field.locations[at]));
        all.spawn(async move {
            for round in 0..rounds {
                writer.submit(change(at, round, &location)).await?;
            }
            anyhow::Ok(())
        });
    }
    for one in all.join_all().await {
        one?;
    }
    let took = began.elapsed();
    let commits = APPLICATIONS * rounds;
    let floor = field.floor(&room, commits)?;
    let pushes = field.writer.stats().pushes;
    let what = format!("promotions into one branch, {APPLICATIONS} applications");
    Ok(Figure::new(what, rate(commits, took), Unit::CommitsPerS)
        .floor(FLOOR, rate(commits, floor))
        .goal(Goal::PartOfFloor(0.5))
        .gates()
        .note(format!("{commits} commits in {pushes} pushes")))
}

async fn burst(ground: &Ground, applications: usize) -> Result<Vec<Figure>> {
    let room = ground.room("burst")?;
    let field = Field::lay(&room, applications).await?;
    let began = Instant::now();
    let mut all = JoinSet::new();
    for at in 0..applications {
        let (writer, location) = (field.writer.clone(), Arc::clone(&field.locations[at]));
        all.spawn(async move { writer.submit(change(at, 0, &location)).await });
    }
    for one in all.join_all().await {
        one?;
    }
    let took = began.elapsed();
    let floor = field.floor(&room, applications)?;
    let stats = field.writer.stats();
    let what = format!("a burst of {applications} into one branch");
    #[expect(clippy::cast_precision_loss, reason = "pushes are few")]
    let pushes = Figure::new(what, (stats.pushes + stats.lost) as f64, Unit::Pushes);
    Ok(vec![
        pushes.goal(Goal::AtMost(10.0)).gates(),
        Figure::new("the same", rate(applications, took), Unit::CommitsPerS)
            .floor(FLOOR, rate(applications, floor)),
    ])
}

/// What the floor is, for both.
pub(super) const FLOOR: &str = "git fast-import of the same commits and one push";

/// One change, edited in the manifest like a real promotion.
fn change(at: usize, round: usize, location: &Arc<Location>) -> Change {
    let name = application(at);
    let id = derive::id("bench-change", &[&name, &round.to_string()]);
    let values = Values {
        version: format!("1.{round}.{at}"),
        digest: Some(Digest::of(name.as_bytes()).to_string()),
        ..Values::default()
    };
    let subject = format!("{ENVIRONMENT}: {name} {}", values.version);
    let location = Arc::clone(location);
    let path = location.file.clone();
    let edit = move |before: Option<&[u8]>| {
        let before = before.ok_or("the file is gone")?;
        manifests::set_version(&location.file, before, &location, &values)
            .map(|edited| EditOutcome::Replace(edited.bytes))
            .map_err(|problem| problem.to_string())
    };
    Change {
        id,
        files: vec![FileEdit {
            path,
            edit: Arc::new(edit),
        }],
        subject,
        body: String::new(),
        trailers: vec![
            ("Towpath-Deployment".to_owned(), id.to_string()),
            ("Towpath-Environment".to_owned(), ENVIRONMENT.to_owned()),
        ],
        since: None,
    }
}

/// A remote, its one writer, and where every version stands.
struct Field {
    remote: std::path::PathBuf,
    begin: Oid,
    writer: Writer,
    locations: Vec<Arc<Location>>,
}

impl Field {
    async fn lay(room: &Path, applications: usize) -> Result<Self> {
        let files = manifests(applications);
        let path = room.join("remote.git");
        let begin = remote(&path, &files).await?;
        git(
            room,
            &["clone", "--quiet", "--mirror", text(&path)?, "copy.git"],
        )?;
        let mirror = Mirror::open(&room.join("mirror"), text(&path)?, Options::default()).await?;
        mirror.fetch("main").await?;
        let limits = Limits::unlimited();
        let writer = Writer::spawn(mirror, "main", author(), limits, Arc::new(|| NOW_US))?;
        Ok(Self {
            remote: path,
            begin,
            writer,
            locations: locations(files, applications)?,
        })
    }

    /// How long git needs for the same commits in the copy.
    fn floor(&self, room: &Path, commits: usize) -> Result<Duration> {
        floor(room, &self.remote, &self.begin, commits)
    }
}

/// How long git needs to import `begin..main` of a remote into a bare mirror and to push it to
/// `copy.git`, which stands at `begin`.
pub(super) fn floor(room: &Path, remote: &Path, begin: &Oid, commits: usize) -> Result<Duration> {
    let range = format!("{begin}..main");
    let count = git(remote, &["rev-list", "--count", &range])?;
    ensure!(
        count == commits.to_string(),
        "{count} commits landed, and not {commits}"
    );
    let stream = git_bytes(
        remote,
        &["fast-export", "--reference-excluded-parents", &range],
        None,
    )?;
    git(
        room,
        &["clone", "--quiet", "--mirror", "copy.git", "floor.git"],
    )?;
    let mirror = room.join("floor.git");
    let copy = room.join("copy.git");
    let began = Instant::now();
    git_bytes(&mirror, &["fast-import", "--quiet"], Some(&stream))?;
    git(&mirror, &["push", "--quiet", text(&copy)?, "main:main"])?;
    let took = began.elapsed();
    let (there, here) = (
        git(remote, &["rev-parse", "main"])?,
        git(&copy, &["rev-parse", "main"])?,
    );
    ensure!(there == here, "the floor made other commits");
    Ok(took)
}

fn locations(files: Vec<(String, String)>, applications: usize) -> Result<Vec<Arc<Location>>> {
    let files = files
        .into_iter()
        .map(|(path, text)| (path, Digest::of(text.as_bytes()).to_string(), text));
    let (graph, problems) = Graph::load(files, &mut Cache::new());
    ensure!(
        problems.is_empty(),
        "the manifests have problems: {problems:?}"
    );
    (0..applications)
        .map(|at| {
            let found = graph.application(&application(at));
            let found = found.context("an application is missing")?;
            Ok(Arc::new(graph.version_location(found, ENVIRONMENT)?))
        })
        .collect()
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path is not UTF-8")
}
