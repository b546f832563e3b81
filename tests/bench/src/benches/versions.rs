//! Versions and changelogs of a long history, beside git and git-cliff on the same.

mod cliff;
mod cold;
mod history;
mod message;
mod timed;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};

use self::history::{Ends, Size};
use crate::figure::{Figure, Goal, Unit};
use crate::ground::Ground;
use crate::program::{git, program};
use crate::samples::Samples;

/// As long as the longest histories that others have reported trouble with.
const SIZE: Size = Size {
    commits: 27_000,
    tags: 12_000,
};
/// The directory of the repository.
const REPOSITORY: &str = "repository";
/// Everything of a commit that a changelog needs.
const FORMAT: &str = "--format=%H %P%n%an <%ae> %ct%n%B";
const SHOW_AND_LOG: &str = "`git show-ref --tags -d`, then `git log` of the same commits";
const LOG: &str = "`git log` of the same range";

/// What runs, and where.
struct Stage {
    towpath: PathBuf,
    room: PathBuf,
    /// From the last release.
    short: Span,
    /// From the first one.
    whole: Span,
    rounds: Rounds,
}

/// A range, and how many commits it has.
struct Span {
    range: String,
    commits: String,
}

/// How often things are measured.
struct Rounds {
    warm: usize,
    cold: usize,
    /// How long git-cliff may take.
    limit: Duration,
}

/// What is in memory before a program starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Cold,
    Warm,
}

pub(super) fn run(ground: &Ground) -> Result<Vec<Figure>> {
    let room = ground.room("versions")?;
    let repository = room.join(REPOSITORY);
    std::fs::create_dir_all(&repository)?;
    let ends = history::make(&repository, SIZE)?;
    let stage = Stage::new(ground, room, &ends)?;
    let mut figures = Vec::new();
    for graph in ["no commit-graph", "commit-graph"] {
        if graph == "commit-graph" {
            git(&repository, &["commit-graph", "write", "--reachable"])?;
        }
        for before in [Before::Warm, Before::Cold] {
            let state = format!("{}, {graph}", before.word());
            figures.push(stage.version(before, &state)?);
            for span in [&stage.short, &stage.whole] {
                figures.push(stage.changelog(span, before, &state)?);
            }
        }
    }
    figures.extend(stage.beside_cliff()?);
    Ok(figures)
}

impl Stage {
    fn new(ground: &Ground, room: PathBuf, ends: &Ends) -> Result<Self> {
        let repository = room.join(REPOSITORY);
        let span = |from: &str| -> Result<Span> {
            let range = format!("{from}..HEAD");
            let commits = git(&repository, &["rev-list", "--count", &range])?;
            Ok(Span { range, commits })
        };
        Ok(Self {
            towpath: ground.towpath.clone(),
            short: span(&ends.last)?,
            whole: span(&ends.first)?,
            rounds: Rounds {
                warm: ground.pick(20, 5),
                cold: ground.pick(7, 3),
                limit: ground.pick(Duration::from_mins(1), Duration::from_secs(20)),
            },
            room,
        })
    }

    /// The next version, beside git's listing of what it is made of.
    fn version(&self, before: Before, state: &str) -> Result<Figure> {
        let (mut ours, mut floor) = (Samples::default(), Samples::default());
        for _ in 0..self.rounds.of(before) {
            ours.add(self.compute(before)?);
            let tags = self.git(before, &["show-ref", "--tags", "-d"])?;
            // Both are one piece of work: what the first has read, the second has, too.
            floor.add(tags + self.log(Before::Warm, &self.short)?);
        }
        let what = format!("version compute, {state}");
        let figure = figure(what, &ours, SHOW_AND_LOG, &floor);
        Ok(figure.goal(Goal::TimesFloor(2.0)))
    }

    /// A changelog, beside git's.
    fn changelog(&self, span: &Span, before: Before, state: &str) -> Result<Figure> {
        let (mut ours, mut floor) = (Samples::default(), Samples::default());
        for _ in 0..self.rounds.of(before) {
            ours.add(self.ours(before, &["changelog", &span.range, "--output", "markdown"])?);
            floor.add(self.log(before, span)?);
        }
        let what = format!("changelog of {} commits, {state}", span.commits);
        Ok(figure(what, &ours, LOG, &floor))
    }

    /// The same beside git-cliff, warm and with a commit-graph.
    fn beside_cliff(&self) -> Result<Vec<Figure>> {
        let mut figures = Vec::new();
        for cliff in cliff::ALL {
            if !cliff.is_there(&self.room) {
                eprintln!("left out: rows beside {}, which is not there", cliff.name);
                continue;
            }
            let limit = self.rounds.limit;
            let of_version = cliff.version(&self.room, &self.short.range, limit)?;
            let name = format!("version compute and git-cliff {}", cliff.version);
            let ours = self.warm(|| self.compute(Before::Warm))?;
            figures.push(beside(name, &ours, cliff.of_version, of_version, limit));
            for span in [&self.short, &self.whole] {
                let theirs = cliff.changelog(&self.room, &span.range, limit)?;
                let asked = ["changelog", &span.range, "--output", "markdown"];
                let ours = self.warm(|| self.ours(Before::Warm, &asked))?;
                let what = format!(
                    "changelog of {} commits and git-cliff {}",
                    span.commits, cliff.version
                );
                let figure = beside(what, &ours, cliff.of_changelog, theirs, limit);
                figures.push(figure.goal(Goal::TimesFloor(0.1)));
            }
        }
        Ok(figures)
    }

    fn warm(&self, mut run: impl FnMut() -> Result<Duration>) -> Result<Samples> {
        let mut samples = Samples::default();
        for _ in 0..self.rounds.warm {
            samples.add(run()?);
        }
        Ok(samples)
    }

    fn compute(&self, before: Before) -> Result<Duration> {
        let took = self.ours(before, &["version", "compute", "--output", "json"])?;
        let told = std::fs::read_to_string(self.out())?;
        let since = format!("\"commits_since_base\":{}", self.short.commits);
        let dense: String = told.split_whitespace().collect();
        ensure!(dense.contains(&since), "the version is another one: {told}");
        Ok(took)
    }

    fn ours(&self, before: Before, arguments: &[&str]) -> Result<Duration> {
        let mut command = program(&self.towpath, &self.room.join(REPOSITORY));
        self.time(before, command.args(arguments))
    }

    fn log(&self, before: Before, span: &Span) -> Result<Duration> {
        self.git(before, &["log", FORMAT, &span.range])
    }

    fn git(&self, before: Before, arguments: &[&str]) -> Result<Duration> {
        let mut command = program(Path::new("git"), &self.room.join(REPOSITORY));
        self.time(before, command.args(arguments))
    }

    fn time(&self, before: Before, command: &mut Command) -> Result<Duration> {
        if before == Before::Cold {
            cold::evict(&self.room.join(REPOSITORY))?;
        }
        timed::run(command, &self.out())
    }

    fn out(&self) -> PathBuf {
        self.room.join("out")
    }
}

impl Before {
    fn word(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Warm => "warm",
        }
    }
}

impl Rounds {
    fn of(&self, before: Before) -> usize {
        match before {
            Before::Cold => self.cold,
            Before::Warm => self.warm,
        }
    }
}

fn figure(what: String, ours: &Samples, floor: &'static str, of_floor: &Samples) -> Figure {
    Figure::new(what, ours.p50(), Unit::Ms)
        .floor(floor, of_floor.p50())
        .note(format!(
            "p50 of {}; slowest {:.1} ms (floor {:.1} ms)",
            ours.len(),
            ours.percentile(1.0),
            of_floor.percentile(1.0)
        ))
}

/// Ours beside one run of git-cliff, which may have been ended after `limit`.
fn beside(
    what: String,
    ours: &Samples,
    floor: &'static str,
    theirs: Option<Duration>,
    limit: Duration,
) -> Figure {
    let ms = theirs.unwrap_or(limit).as_secs_f64() * 1000.0;
    let times = ms / ours.p50();
    let note = if theirs.is_some() {
        format!("git-cliff takes {times:.0} times as long; one run of it")
    } else {
        format!("git-cliff was ended after {limit:?}, more than {times:.0} times as long")
    };
    Figure::new(what, ours.p50(), Unit::Ms)
        .floor(floor, ms)
        .note(note)
}
