//! The log read from its beginning into memory, every commit checked.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use eventlog::{Position, import};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::time::Instant;

use super::rebuild;
use crate::figure::{Figure, Goal, Unit};
use crate::ground::Ground;
use crate::samples::rate;

/// As many as a reader asks for.
const PAGE: usize = 4096;

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>> {
    let room = ground.room("replay")?;
    let (log, events) = rebuild::log(&room, ground.pick(20_000, 4000)).await?;
    let (mut took, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let began = Instant::now();
        let (mut after, mut seen) = (Position(0), 0);
        loop {
            let page = log.read(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.position;
            seen += page.iter().map(|it| it.commit.events.len()).sum::<usize>();
        }
        took.push(began.elapsed());
        ensure!(seen == events, "{seen} events were read, and not {events}");
        floors.push(floor(&room.join(import::LOG_FILE)).await?);
    }
    took.sort_unstable();
    floors.sort_unstable();
    Ok(vec![
        Figure::new(
            "replay into memory",
            rate(events, took[1]),
            Unit::EventsPerS,
        )
        .floor(
            "the same rows selected, and nothing done with them",
            rate(events, floors[1]),
        )
        .goal(Goal::PartOfFloor(0.7))
        .note(format!(
            "{events} events, each hash computed; the middle of three"
        )),
    ])
}

/// How long it takes only to have the rows.
async fn floor(path: &Path) -> Result<Duration> {
    const SQL: &str = "SELECT position, kind, id, version, commit_id, hash, bytes FROM commits \
                       WHERE position > $1 ORDER BY position LIMIT $2";
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(path)
        .row_buffer_size(1024)
        .connect()
        .await?;
    let began = Instant::now();
    let mut after = 0_i64;
    loop {
        let rows = sqlx::query(SQL)
            .bind(after)
            .bind(i64::try_from(PAGE)?)
            .fetch_all(&mut connection)
            .await?;
        let Some(last) = rows.last() else { break };
        after = last.try_get(0)?;
    }
    let took = began.elapsed();
    connection.close().await?;
    Ok(took)
}
