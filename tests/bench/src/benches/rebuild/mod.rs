//! Read models made anew from the log.

mod postgres;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use eventlog::projector::{self, Database};
use eventlog::{EventLog, Position, SqliteLog, export, import};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use tokio::time::Instant;

use super::story;
use crate::figure::{Figure, Goal, Unit};
use crate::ground::Ground;
use crate::samples::rate;

/// Events per deployment that went all the way.
const EVENTS: usize = 11;
const APPLICATIONS: usize = 1000;

pub(super) async fn run(ground: &Ground) -> Result<Vec<Figure>> {
    let room = ground.room("rebuild")?;
    let (log, events) = log(&room, ground.pick(20_000, 4000)).await?;
    let read = room.join("read.db");
    let database = Database::File(read.clone());
    let projections = cd_manager::projections::all();
    let mut took = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        projector::rebuild(&database, &log, &projections, &mut |_, _| {}).await?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    let mut floors = Vec::new();
    for at in 0..3 {
        floors.push(floor(&room, &read, at).await?);
    }
    floors.sort_unstable();
    let embedded = Figure::new(
        "projection rebuild",
        rate(events, took[1]),
        Unit::EventsPerS,
    )
    .floor(
        "the resulting rows, copied in bulk into an empty database",
        rate(events, floors[1]),
    )
    .goal(Goal::AtLeastOrPart(30_000.0, 0.5))
    .gates()
    .note(format!(
        "{events} events in {:.1} s; the middle of three",
        took[1].as_secs_f64()
    ));
    Ok(vec![embedded, postgres::run(&log, events).await?])
}

/// A log file of this many deployments, and how many events it holds.
pub(super) async fn log(room: &Path, deployments: usize) -> Result<(Arc<dyn EventLog>, usize)> {
    let told = story::log(deployments, APPLICATIONS).await?;
    let mut bytes = Vec::new();
    export::export(told.as_ref(), &mut bytes).await?;
    import::import(std::io::Cursor::new(bytes), room).await?;
    let first = told.read(Position(0), 1).await?;
    ensure!(!first.is_empty(), "the story is empty");
    let log = SqliteLog::open_existing(&room.join(import::LOG_FILE)).await?;
    Ok((Arc::new(log), deployments * EVENTS))
}

/// How long the same rows need, copied into an empty database with the same tables.
async fn floor(room: &Path, read: &Path, at: usize) -> Result<Duration> {
    let path = room.join(format!("floor-{at}.db"));
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Memory)
        .synchronous(SqliteSynchronous::Off)
        .connect()
        .await?;
    let read = read.to_str().context("a path is not UTF-8")?;
    sqlx::query("ATTACH $1 AS rows")
        .bind(read)
        .execute(&mut connection)
        .await?;
    let tables = "SELECT sql FROM rows.sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC";
    let tables: Vec<String> = sqlx::query_scalar(tables)
        .fetch_all(&mut connection)
        .await?;
    for table in tables {
        sqlx::raw_sql(AssertSqlSafe(table))
            .execute(&mut connection)
            .await?;
    }
    let mut copies = vec!["BEGIN".to_owned()];
    for projection in cd_manager::projections::all() {
        copies.extend(projection.tables().iter().map(|table| {
            let name = table.name;
            format!("INSERT OR REPLACE INTO main.{name} SELECT * FROM rows.{name}")
        }));
    }
    copies.push("COMMIT".to_owned());
    let began = Instant::now();
    sqlx::raw_sql(AssertSqlSafe(copies.join(";")))
        .execute(&mut connection)
        .await?;
    let took = began.elapsed();
    connection.close().await?;
    Ok(took)
}
