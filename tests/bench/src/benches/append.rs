//! A command until its event is durable: alone, and with 64 writers at once.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use cd_manager::domain::build::Build;
use eventlog::{EventLog, Position, Repository, SqliteLog};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::story::{self, identity};
use crate::figure::{Figure, Goal, Unit};
use crate::ground::Ground;
use crate::samples::Samples;

const WRITERS: usize = 64;
/// Where SQLite begins its write-ahead log anew: 1,000 pages of 4 KiB
/// (<https://sqlite.org/wal.html#ckpt>). The floor writes like it: on, then over.
const WAL_BYTES: u64 = 1000 * 4096;

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>> {
    let room = ground.room("append")?;
    let fresh = identity();
    let log: Arc<dyn EventLog> = Arc::new(SqliteLog::open(&room.join("log.db"), &fresh).await?);
    let builds = Arc::new(Repository::<Build>::new(Arc::clone(&log)));
    report(&builds, 0).await?;
    let first = log.read(Position(0), 1).await?;
    let bytes = first.first().map_or(0, |it| it.commit.bytes().len());
    let mut disk = Disk::open(&room.join("floor"), bytes)?;
    Ok(vec![
        alone(&builds, &mut disk, ground.pick(3000, 400)).await?,
        crowd(&builds, &room, bytes, ground.pick(30, 5)).await?,
    ])
}

async fn report(builds: &Repository<Build>, number: usize) -> Result<()> {
    let (id, command) = story::report("api", number);
    let done = builds.execute(id, &story::context(number), &command).await;
    done.map(drop).map_err(|error| anyhow!("{error}"))
}

async fn alone(
    builds: &Arc<Repository<Build>>,
    disk: &mut Disk,
    commands: usize,
) -> Result<Figure> {
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    for number in 1..=commands {
        let began = Instant::now();
        report(builds, number).await?;
        ours.since(began);
        disk.sync(&mut floor)?;
    }
    Ok(figure("command → durable event, embedded, p99", &ours)
        .floor(ALONE, floor.p99())
        .note(note(&ours, &floor)))
}

async fn crowd(
    builds: &Arc<Repository<Build>>,
    room: &Path,
    bytes: usize,
    rounds: usize,
) -> Result<Figure> {
    const EACH: usize = 10;
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    for round in 0..rounds {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let builds = Arc::clone(builds);
            writers.spawn(async move {
                let mut samples = Samples::default();
                for at in 0..EACH {
                    let began = Instant::now();
                    report(&builds, 1_000_000 + (round * WRITERS + writer) * EACH + at).await?;
                    samples.since(began);
                }
                anyhow::Ok(samples)
            });
        }
        for samples in writers.join_all().await {
            ours.extend(samples?);
        }
        floor.extend(synced_at_once(room, bytes, EACH)?);
    }
    Ok(figure("the same under 64 writers, p99", &ours)
        .floor(CROWD, floor.p99())
        .note(note(&ours, &floor)))
}

const ALONE: &str = "write and fdatasync of as many bytes, on the same disk, p99";
const CROWD: &str = "the same by 64 threads at once, each to a file of its own, p99";

fn figure(what: &str, ours: &Samples) -> Figure {
    Figure::new(what, ours.p99(), Unit::Ms)
        .goal(Goal::TimesFloor(2.0))
        .gates()
}

fn note(ours: &Samples, floor: &Samples) -> String {
    format!(
        "p50 {:.2} ms (floor {:.2} ms), {} commands",
        ours.p50(),
        floor.p50(),
        ours.len()
    )
}

/// As many writers as commands have, and nothing but the disk.
fn synced_at_once(room: &Path, bytes: usize, each: usize) -> Result<Samples> {
    let disks: Vec<_> = (0..WRITERS)
        .map(|at| Disk::open(&room.join(format!("floor-{at}")), bytes))
        .collect::<Result<_>>()?;
    let threads: Vec<_> = disks
        .into_iter()
        .map(|mut disk| {
            std::thread::spawn(move || {
                let mut samples = Samples::default();
                for _ in 0..each {
                    disk.sync(&mut samples)?;
                }
                anyhow::Ok(samples)
            })
        })
        .collect();
    let mut all = Samples::default();
    for thread in threads {
        all.extend(
            thread
                .join()
                .map_err(|_| anyhow!("a floor thread panicked"))??,
        );
    }
    Ok(all)
}

/// The disk alone.
struct Disk {
    file: File,
    bytes: Vec<u8>,
    at: u64,
}

impl Disk {
    fn open(path: &Path, bytes: usize) -> Result<Self> {
        Ok(Self {
            file: File::create(path)?,
            bytes: vec![b'x'; bytes],
            at: 0,
        })
    }

    fn sync(&mut self, samples: &mut Samples) -> Result<()> {
        let began = Instant::now();
        self.file.write_all(&self.bytes)?;
        self.file.sync_data()?;
        samples.since(began);
        self.at += u64::try_from(self.bytes.len())?;
        if self.at >= WAL_BYTES {
            self.file.rewind()?;
            self.at = 0;
        }
        Ok(())
    }
}
