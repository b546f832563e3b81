//! The same read models in PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use eventlog::EventLog;
use eventlog::projector::{self, Column, Database, Server, Table};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use testkit::Cluster;
use tokio::time::Instant;

use crate::figure::{Figure, Goal, Unit};
use crate::samples::rate;

/// Rows per statement of the floor.
const ROWS: usize = 4096;

pub(super) async fn run(log: &Arc<dyn EventLog>, events: usize) -> Result<Figure> {
    let cluster = Cluster::start()?;
    let password = cluster.password_file();
    let server = Server::new(&cluster.url(), Some(&password), "cd-manager")?;
    let database = Database::Postgres(server);
    let projections = cd_manager::projections::all();
    let (mut took, mut floors) = (Vec::new(), Vec::new());
    let secret = std::fs::read_to_string(&password)?;
    let options: PgConnectOptions = cluster.url().parse()?;
    let mut connection = options.password(secret.trim_end()).connect().await?;
    let tables: Vec<&Table> = projections.iter().flat_map(|it| it.tables()).collect();
    for _ in 0..3 {
        let began = Instant::now();
        projector::rebuild(&database, log, &projections, &mut |_, _| {}).await?;
        took.push(began.elapsed());
        floors.push(floor(&mut connection, &tables).await?);
    }
    connection.close().await?;
    took.sort_unstable();
    floors.sort_unstable();
    Ok(Figure::new(
        "projection rebuild, PostgreSQL",
        rate(events, took[1]),
        Unit::EventsPerS,
    )
    .floor(
        "the resulting rows, upserted in bulk into empty tables",
        rate(events, floors[1]),
    )
    .goal(Goal::AtLeastOrPart(30_000.0, 0.5))
    .note(format!(
        "{events} events in {:.1} s; the middle of three; fsync is off for both",
        took[1].as_secs_f64()
    )))
}

/// How long the same rows need: read beforehand, then sent in arrays, an upsert of many rows each.
async fn floor(connection: &mut PgConnection, tables: &[&Table]) -> Result<Duration> {
    let mut took = Duration::ZERO;
    run_sql(
        connection,
        "DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor".into(),
    )
    .await?;
    for table in tables {
        let name = table.name;
        let make = format!("CREATE TABLE floor.{name} (LIKE cd_manager.{name} INCLUDING ALL)");
        run_sql(connection, make).await?;
        // Every column as text: what is sent is as much, and PostgreSQL turns numbers back.
        let columns: Vec<_> = table.columns.iter().map(|it| it.name).collect();
        let texts: Vec<_> = columns.iter().map(|it| format!("{it}::text")).collect();
        let select = format!("SELECT ARRAY[{}] FROM cd_manager.{name}", texts.join(", "));
        let rows: Vec<Vec<String>> = sqlx::query_scalar(AssertSqlSafe(select))
            .fetch_all(&mut *connection)
            .await?;
        let upsert = upsert(table, &columns);
        let began = Instant::now();
        for rows in rows.chunks(ROWS) {
            let mut query = sqlx::query(AssertSqlSafe(upsert.clone()));
            for at in 0..columns.len() {
                let column: Vec<&str> = rows.iter().map(|it| it[at].as_str()).collect();
                query = query.bind(column);
            }
            query.execute(&mut *connection).await?;
        }
        took += began.elapsed();
    }
    Ok(took)
}

fn upsert(table: &Table, columns: &[&str]) -> String {
    let arrays: Vec<_> = (1..=columns.len())
        .map(|it| format!("${it}::text[]"))
        .collect();
    let cast = |it: &Column| match it.holds {
        projector::Holds::Text => it.name.to_owned(),
        projector::Holds::Int => format!("{}::bigint", it.name),
    };
    let values: Vec<_> = table.columns.iter().map(cast).collect();
    let (key, others) = columns.split_at(table.key);
    let sets: Vec<_> = others
        .iter()
        .map(|it| format!("{it} = excluded.{it}"))
        .collect();
    format!(
        "INSERT INTO floor.{} SELECT {} FROM UNNEST({}) AS new ({}) \
         ON CONFLICT ({}) DO UPDATE SET {}",
        table.name,
        values.join(", "),
        arrays.join(", "),
        columns.join(", "),
        key.join(", "),
        sets.join(", ")
    )
}

async fn run_sql(connection: &mut PgConnection, statements: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(connection)
        .await?;
    Ok(())
}
