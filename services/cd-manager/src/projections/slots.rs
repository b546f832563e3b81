//! What runs where, what waits, what a person wrote by hand.

use async_trait::async_trait;
use decider::Decider as _;
use eventlog::projector::{ApplyError, Table};
use eventlog::{Codec as _, Projection, Stored};
use sqlx::SqliteConnection;

use crate::domain::slot::{Candidate, Event, Outcome, Place, Slot};

/// The table `slots`.
#[derive(Debug)]
pub struct Slots;

#[async_trait]
impl Projection for Slots {
    fn name(&self) -> &'static str {
        "slots"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table {
            name: "slots",
            key: &["id"],
        }]
    }

    fn ddl(&self) -> &'static str {
        "CREATE TABLE slots (
            id TEXT PRIMARY KEY,
            environment TEXT NOT NULL DEFAULT '',
            application TEXT NOT NULL DEFAULT '',
            version TEXT NOT NULL DEFAULT '',
            digest TEXT NOT NULL DEFAULT '',
            deployment_id TEXT NOT NULL DEFAULT '',
            manifest_commit TEXT NOT NULL DEFAULT '',
            previous_version TEXT NOT NULL DEFAULT '',
            waiting_id TEXT NOT NULL DEFAULT '',
            waiting_version TEXT NOT NULL DEFAULT '',
            waiting_digest TEXT NOT NULL DEFAULT '',
            forced_id TEXT NOT NULL DEFAULT '',
            forced_version TEXT NOT NULL DEFAULT '',
            forced_digest TEXT NOT NULL DEFAULT '',
            flight_id TEXT NOT NULL DEFAULT '',
            flight_version TEXT NOT NULL DEFAULT '',
            flight_digest TEXT NOT NULL DEFAULT '',
            unknown_version TEXT NOT NULL DEFAULT ''
        ) STRICT;
        CREATE INDEX slots_by_place ON slots (environment, application);"
    }

    fn fold_version(&self) -> u32 {
        1
    }

    async fn apply(&self, conn: &mut SqliteConnection, stored: &Stored) -> Result<(), ApplyError> {
        if stored.commit.aggregate.kind() != Slot::KIND {
            return Ok(());
        }
        let id = stored.commit.aggregate.id().to_string();
        for record in &stored.commit.events {
            match Slot::decode(record)? {
                Event::Accepted {
                    place,
                    candidate,
                    forced,
                    ..
                } => {
                    accept(conn, &id, &place, &candidate, forced).await?;
                }
                Event::Superseded { deployment, .. } => {
                    clear_waiting(conn, &id, &deployment.to_string()).await?;
                }
                Event::Started { deployment } => start(conn, &id, &deployment.to_string()).await?,
                Event::Finished {
                    deployment,
                    outcome,
                    manifest_commit,
                } => {
                    let deployment = deployment.to_string();
                    if outcome == Outcome::Succeeded {
                        succeed(conn, &id, &deployment, &manifest_commit).await?;
                    }
                    clear(conn, &id, &deployment, !manifest_commit.is_empty()).await?;
                }
                Event::Edited { place, edit } => {
                    ensure(conn, &id, &place).await?;
                    let unknown = if edit.deployment.is_none() {
                        edit.version.as_str()
                    } else {
                        ""
                    };
                    sqlx::query("UPDATE slots SET unknown_version = $2 WHERE id = $1")
                        .bind(&id)
                        .bind(unknown)
                        .execute(&mut *conn)
                        .await?;
                }
                // Holds have a table of their own.
                Event::Held(_) | Event::Released { .. } => {}
            }
        }
        Ok(())
    }
}

async fn ensure(conn: &mut SqliteConnection, id: &str, place: &Place) -> Result<(), ApplyError> {
    sqlx::query(
        "INSERT INTO slots (id, environment, application) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(&place.environment)
    .bind(&place.application)
    .execute(conn)
    .await?;
    Ok(())
}

async fn accept(
    conn: &mut SqliteConnection,
    id: &str,
    place: &Place,
    candidate: &Candidate,
    forced: bool,
) -> Result<(), ApplyError> {
    ensure(conn, id, place).await?;
    let sql = if forced {
        "UPDATE slots SET forced_id = $2, forced_version = $3, forced_digest = $4 WHERE id = $1"
    } else {
        "UPDATE slots SET waiting_id = $2, waiting_version = $3, waiting_digest = $4 WHERE id = $1"
    };
    sqlx::query(sql)
        .bind(id)
        .bind(candidate.deployment.to_string())
        .bind(candidate.version.as_str())
        .bind(candidate.digest.as_str())
        .execute(conn)
        .await?;
    Ok(())
}

async fn clear_waiting(
    conn: &mut SqliteConnection,
    id: &str,
    deployment: &str,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE slots SET waiting_id = '', waiting_version = '', waiting_digest = ''
         WHERE id = $1 AND waiting_id = $2",
    )
    .bind(id)
    .bind(deployment)
    .execute(conn)
    .await?;
    Ok(())
}

async fn clear_forced(
    conn: &mut SqliteConnection,
    id: &str,
    deployment: &str,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE slots SET forced_id = '', forced_version = '', forced_digest = ''
         WHERE id = $1 AND forced_id = $2",
    )
    .bind(id)
    .bind(deployment)
    .execute(conn)
    .await?;
    Ok(())
}

async fn start(conn: &mut SqliteConnection, id: &str, deployment: &str) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE slots SET flight_id = $2,
         flight_version = CASE WHEN forced_id = $2 THEN forced_version ELSE waiting_version END,
         flight_digest = CASE WHEN forced_id = $2 THEN forced_digest ELSE waiting_digest END
         WHERE id = $1",
    )
    .bind(id)
    .bind(deployment)
    .execute(&mut *conn)
    .await?;
    clear_forced(conn, id, deployment).await?;
    clear_waiting(conn, id, deployment).await
}

async fn succeed(
    conn: &mut SqliteConnection,
    id: &str,
    deployment: &str,
    manifest_commit: &str,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE slots SET
         previous_version = CASE WHEN version <> '' AND version <> flight_version
                            THEN version ELSE previous_version END,
         version = flight_version, digest = flight_digest, deployment_id = flight_id, manifest_commit = $3
         WHERE id = $1 AND flight_id = $2",
    )
    .bind(id)
    .bind(deployment)
    .bind(manifest_commit)
    .execute(conn)
    .await?;
    Ok(())
}

async fn clear(
    conn: &mut SqliteConnection,
    id: &str,
    deployment: &str,
    wrote: bool,
) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE slots SET flight_id = '', flight_version = '', flight_digest = '',
         unknown_version = CASE WHEN $3 THEN '' ELSE unknown_version END
         WHERE id = $1 AND flight_id = $2",
    )
    .bind(id)
    .bind(deployment)
    .bind(wrote)
    .execute(&mut *conn)
    .await?;
    clear_forced(conn, id, deployment).await?;
    clear_waiting(conn, id, deployment).await
}
