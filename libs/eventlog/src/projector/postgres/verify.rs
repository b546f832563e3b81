//! Comparing the rows of a schema with rows made anew from the log, at exactly the same
//! position, while the schema is in use.

use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::super::compare::{Difference, Sides, compare};
use super::super::rows::{Rows, Source, Staged, ddl};
use super::super::sql::Dialect;
use super::super::store::{BULK_ROWS, Connection, fold};
use super::super::{PAGE, Projection, ProjectorError, shape};
use super::Server;
use super::rebuild::present;
use super::server::lock_key;
use crate::checkpoint::{Checkpoint, check};
use crate::log::EventLog;

/// Makes the rows in temporary tables, in the transaction that holds the snapshot.
pub(in super::super) async fn verify(
    server: &Server,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<Vec<Difference>, ProjectorError> {
    let mut connection = server.connect().await?;
    if !present(&mut connection, server).await? {
        return Err(server.wrong("there are no read models yet: rebuild them"));
    }
    // No rebuild takes the place of the tables meanwhile. Before the snapshot, because waiting
    // could make it old.
    sqlx::query("SELECT pg_advisory_lock_shared($1)")
        .bind(lock_key(server.schema()))
        .execute(&mut connection)
        .await?;
    let mut connection = Connection::Postgres(connection);
    connection
        .run("BEGIN ISOLATION LEVEL REPEATABLE READ".to_owned())
        .await?;
    let (at, made_by) = connection.checkpoint().await?;
    if made_by != shape(projections) {
        return Err(server.wrong("made by other projections: rebuild it"));
    }
    check(log.as_ref(), &at).await?;
    let Connection::Postgres(mut connection) = connection else {
        return Ok(Vec::new());
    };
    make(&mut connection, log, projections, &at).await?;
    let sides = Sides {
        live: server.schema(),
        made: "pg_temp",
    };
    let found = compare(&mut Source::Postgres(&mut connection), &sides, projections).await?;
    // With the connection everything temporary goes.
    connection.close().await?;
    Ok(found)
}

async fn make(
    connection: &mut PgConnection,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
    at: &Checkpoint,
) -> Result<(), ProjectorError> {
    let tables = ddl(projections, Dialect::Postgres).0;
    run(
        connection,
        format!("SET LOCAL search_path TO pg_temp; {tables}"),
    )
    .await?;
    let mut staged = Staged::new(projections, true);
    let mut done = Checkpoint::start(&log.identity().await?).position;
    while done < at.position {
        let mut page = log.read(done, PAGE).await?;
        page.retain(|it| it.position <= at.position);
        let Some(last) = page.last() else { break };
        done = last.position;
        let mut rows = Rows::new(&mut staged, Source::Postgres(connection));
        fold(projections, &mut rows, &page).await?;
        if staged.len() > BULK_ROWS {
            staged.write(&mut Source::Postgres(connection)).await?;
            staged.clear();
        }
    }
    staged.write(&mut Source::Postgres(connection)).await?;
    for table in projections.iter().flat_map(|it| it.tables()) {
        run(connection, format!("ANALYZE pg_temp.{}", table.name)).await?;
    }
    Ok(())
}

async fn run(connection: &mut PgConnection, statements: String) -> Result<(), ProjectorError> {
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(connection)
        .await?;
    Ok(())
}
