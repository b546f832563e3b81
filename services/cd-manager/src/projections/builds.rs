//! Builds, as reported and what became of them.

use async_trait::async_trait;
use decider::Decider as _;
use eventlog::projector::{ApplyError, Table};
use eventlog::{Codec as _, Projection, Stored};
use sqlx::SqliteConnection;

use crate::domain::build::{Build, Event};

/// The table `builds`.
#[derive(Debug)]
pub struct Builds;

#[async_trait]
impl Projection for Builds {
    fn name(&self) -> &'static str {
        "builds"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table {
            name: "builds",
            key: &["id"],
        }]
    }

    fn ddl(&self) -> &'static str {
        "CREATE TABLE builds (
            id TEXT PRIMARY KEY,
            definition TEXT NOT NULL,
            container TEXT NOT NULL,
            version TEXT NOT NULL,
            release_type TEXT NOT NULL,
            digest TEXT NOT NULL,
            source_commit TEXT NOT NULL,
            state TEXT NOT NULL,
            detail TEXT NOT NULL,
            reported_at_us INTEGER NOT NULL,
            reported_by TEXT NOT NULL,
            position INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX builds_by_version ON builds (definition, version);"
    }

    fn fold_version(&self) -> u32 {
        1
    }

    async fn apply(&self, conn: &mut SqliteConnection, stored: &Stored) -> Result<(), ApplyError> {
        if stored.commit.aggregate.kind() != Build::KIND {
            return Ok(());
        }
        let id = stored.commit.aggregate.id().to_string();
        for record in &stored.commit.events {
            match Build::decode(record)? {
                Event::Reported(report) => {
                    sqlx::query(
                        "INSERT INTO builds VALUES ($1, $2, $3, $4, $5, $6, $7, 'REPORTED', '', $8, $9, $10)",
                    )
                    .bind(&id)
                    .bind(&report.definition)
                    .bind(&report.container)
                    .bind(report.version.as_str())
                    .bind(report.release_type.as_str())
                    .bind(report.digest.as_str())
                    .bind(report.commit.map(|it| it.to_string()).unwrap_or_default())
                    .bind(stored.commit.recorded_at_us)
                    .bind(&stored.commit.actor)
                    .bind(stored.position.0.cast_signed())
                    .execute(&mut *conn)
                    .await?;
                }
                Event::Routed(_) => set(conn, &id, "ROUTED", "").await?,
                Event::Kept => set(conn, &id, "KEPT", "").await?,
                Event::Unmatched { wanted_manifest } => {
                    set(conn, &id, "UNMATCHED", &wanted_manifest).await?;
                }
                Event::Quarantined { digest } => {
                    set(conn, &id, "QUARANTINED", digest.as_str()).await?;
                }
            }
        }
        Ok(())
    }
}

async fn set(
    conn: &mut SqliteConnection,
    id: &str,
    state: &str,
    detail: &str,
) -> Result<(), ApplyError> {
    sqlx::query("UPDATE builds SET state = $2, detail = $3 WHERE id = $1")
        .bind(id)
        .bind(state)
        .bind(detail)
        .execute(conn)
        .await?;
    Ok(())
}
