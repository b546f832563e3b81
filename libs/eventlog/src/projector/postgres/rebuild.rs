//! Opening a schema, and making it anew from the log while it is in use: a new schema is filled
//! beside it, brought to the position of the one in use while that one holds still, and takes
//! its name in one step.

use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use super::super::store::{Connection, Store};
use super::super::{Progress, Projection, ProjectorError, fill, follow, shape};
use super::Server;
use super::server::{LIVE_LOCK_TIMEOUT, lock_key};
use crate::checkpoint::{Checkpoint, check};
use crate::log::{EventLog, Position};

/// Tries to hold the schema in use still.
const TRIES: usize = 20;
/// Between them: a server that starts again takes seconds.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);

/// Opens the schema; makes it when it is missing or of another shape.
pub(in super::super) async fn open(
    server: &Server,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<Store, ProjectorError> {
    if let Some(store) = usable(server, log, projections).await? {
        return Ok(store);
    }
    let mut guard = guard(server).await?;
    // Another replica may have made it while this one waited.
    if let Some(store) = usable(server, log, projections).await? {
        return Ok(store);
    }
    tracing::info!(database = %server, "making the read models");
    make(&mut guard, server, log, projections, &mut |_, _| {}).await?;
    guard.close().await?;
    usable(server, log, projections)
        .await?
        .ok_or_else(|| server.wrong("it vanished while it was opened: start again"))
}

/// Makes the schema anew, whether it is in use or not.
pub(in super::super) async fn rebuild(
    server: &Server,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
    progress: Progress<'_>,
) -> Result<Checkpoint, ProjectorError> {
    let mut guard = guard(server).await?;
    present(&mut guard, server).await?;
    let made = make(&mut guard, server, log, projections, progress).await?;
    guard.close().await?;
    Ok(made)
}

/// Connects again, and reads again how far the rows are: another replica may have written, or a
/// rebuild may have been put in place.
pub(in super::super) async fn revive(
    server: &Server,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<Store, ProjectorError> {
    let connection = Connection::Postgres(server.connect_once().await?);
    let store = Store::resume(connection, projections).await?;
    if store.shape != shape(projections) {
        return Err(server.wrong(
            "another version of this program made the read models anew: end this process, or \
             start it with that version",
        ));
    }
    check(log.as_ref(), &store.checkpoint).await?;
    Ok(store)
}

/// The schema in use, if it is of the right shape.
async fn usable(
    server: &Server,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<Option<Store>, ProjectorError> {
    let mut connection = server.connect().await?;
    if !present(&mut connection, server).await? {
        return Ok(None);
    }
    let connection = Connection::Postgres(connection);
    let store = Store::resume(connection, projections).await?;
    // Before anything else, even when it has to be rebuilt: it may know that the log lies.
    check(log.as_ref(), &store.checkpoint).await?;
    Ok((store.shape == shape(projections)).then_some(store))
}

/// Whether the schema holds read models. Tables of others are refused.
pub(super) async fn present(
    connection: &mut PgConnection,
    server: &Server,
) -> Result<bool, ProjectorError> {
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = $1")
            .bind(server.schema())
            .fetch_all(connection)
            .await?;
    if tables.iter().any(|it| it == "towpath_checkpoint") {
        return Ok(true);
    }
    if tables.is_empty() {
        return Ok(false);
    }
    Err(server.wrong("the schema holds tables of another program: use another database"))
}

/// A connection that keeps others from rebuilding or comparing until it is closed.
async fn guard(server: &Server) -> Result<PgConnection, ProjectorError> {
    let mut guard = server.connect().await?;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(lock_key(server.schema()))
        .execute(&mut guard)
        .await?;
    Ok(guard)
}

async fn make(
    guard: &mut PgConnection,
    server: &Server,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
    progress: Progress<'_>,
) -> Result<Checkpoint, ProjectorError> {
    let [next, old] = ["next", "old"].map(|it| format!("{}_{it}", server.schema()));
    // What an attempt before left behind.
    for schema in [&next, &old] {
        run(guard, format!("DROP SCHEMA IF EXISTS {schema} CASCADE")).await?;
    }
    run(guard, format!("CREATE SCHEMA {next}")).await?;
    let beside = server.with_schema(next);
    let connection = Connection::Postgres(beside.connect().await?);
    let start = Checkpoint::start(&log.identity().await?);
    let mut store = Store::create(connection, projections, start).await?;
    let until = log.tail().await?.position;
    fill(&mut store, log, projections, until, progress).await?;
    store.index(projections).await?;
    store.connection.run("ANALYZE".to_owned()).await?;
    switch(guard, server, &mut store, log, projections).await?;
    let checkpoint = store.checkpoint;
    store.close().await?;
    run(guard, format!("DROP SCHEMA IF EXISTS {old} CASCADE")).await?;
    Ok(checkpoint)
}

/// Puts the new schema in place once it is as far as the one in use.
async fn switch(
    guard: &mut PgConnection,
    server: &Server,
    store: &mut Store,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<(), ProjectorError> {
    let mut tries = 0;
    loop {
        // Most of the way before anybody has to wait.
        let tail = log.tail().await?.position;
        follow(store, log, projections, tail).await?;
        tries += 1;
        match switch_once(guard, server, store, log, projections).await {
            Err(ProjectorError::Sql(error)) if super::passes(&error) && tries < TRIES => {
                tracing::warn!(%error, "the read models in use did not hold still; trying again");
                tokio::time::sleep(PAUSE).await;
            }
            ended => return ended,
        }
    }
}

async fn switch_once(
    guard: &mut PgConnection,
    server: &Server,
    store: &mut Store,
    log: &Arc<dyn EventLog>,
    projections: &[Box<dyn Projection>],
) -> Result<(), ProjectorError> {
    let live = server.schema();
    let mut transaction = guard.begin().await?;
    let exists = present(&mut transaction, server).await?;
    if exists {
        let hold = format!(
            "SET LOCAL lock_timeout = '{LIVE_LOCK_TIMEOUT}';
             LOCK TABLE {live}.towpath_checkpoint IN ACCESS EXCLUSIVE MODE"
        );
        run(&mut transaction, hold).await?;
        let at = format!("SELECT position FROM {live}.towpath_checkpoint");
        let at: i64 = sqlx::query_scalar(AssertSqlSafe(at))
            .persistent(false)
            .fetch_one(&mut *transaction)
            .await?;
        let at = Position(at.cast_unsigned());
        follow(store, log, projections, at).await?;
        if store.checkpoint.position < at {
            return Err(server.wrong(format!(
                "the log ends before position {at}, which the read models hold: it was rewound"
            )));
        }
    }
    let rename = format!(
        "DO $$ BEGIN
           IF EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = '{live}') THEN
             ALTER SCHEMA {live} RENAME TO {live}_old;
           END IF;
         END $$;
         ALTER SCHEMA {live}_next RENAME TO {live}"
    );
    run(&mut transaction, rename).await?;
    transaction.commit().await?;
    Ok(())
}

async fn run(connection: &mut PgConnection, statements: String) -> Result<(), ProjectorError> {
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(connection)
        .await?;
    Ok(())
}
