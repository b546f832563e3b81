//! Holds, in force and released.

use async_trait::async_trait;
use decider::Decider as _;
use eventlog::projector::{ApplyError, Table};
use eventlog::{Codec as _, Projection, Stored};
use ids::Uuid;
use sqlx::SqliteConnection;

use crate::domain::hold::Hold;
use crate::domain::scope::{self, Scope};
use crate::domain::slot::{self, Slot};

/// The table `holds`.
#[derive(Debug)]
pub struct HoldList;

#[async_trait]
impl Projection for HoldList {
    fn name(&self) -> &'static str {
        "holds"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table {
            name: "holds",
            key: &["id"],
        }]
    }

    fn ddl(&self) -> &'static str {
        "CREATE TABLE holds (
            id TEXT PRIMARY KEY,
            aggregate TEXT NOT NULL,
            scope TEXT NOT NULL,
            subject TEXT NOT NULL,
            reason TEXT NOT NULL,
            until_us INTEGER NOT NULL,
            source TEXT NOT NULL,
            placed_by TEXT NOT NULL,
            placed_at_us INTEGER NOT NULL,
            released INTEGER NOT NULL,
            position INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX holds_in_force ON holds (released, scope, subject);"
    }

    fn fold_version(&self) -> u32 {
        1
    }

    async fn apply(&self, conn: &mut SqliteConnection, stored: &Stored) -> Result<(), ApplyError> {
        let kind = stored.commit.aggregate.kind();
        for record in &stored.commit.events {
            if kind == Slot::KIND {
                match Slot::decode(record)? {
                    slot::Event::Held(hold) => place(conn, &hold, stored).await?,
                    slot::Event::Released { id, .. } => release(conn, id).await?,
                    slot::Event::Accepted { .. }
                    | slot::Event::Superseded { .. }
                    | slot::Event::Started { .. }
                    | slot::Event::Finished { .. }
                    | slot::Event::Edited { .. } => {}
                }
            } else if kind == Scope::KIND {
                match Scope::decode(record)? {
                    scope::Event::Placed(hold) => place(conn, &hold, stored).await?,
                    scope::Event::Released { id, .. } => release(conn, id).await?,
                }
            }
        }
        Ok(())
    }
}

async fn place(
    conn: &mut SqliteConnection,
    hold: &Hold,
    stored: &Stored,
) -> Result<(), ApplyError> {
    sqlx::query("INSERT INTO holds VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10)")
        .bind(hold.id.to_string())
        .bind(stored.commit.aggregate.to_string())
        .bind(&hold.scope)
        .bind(&hold.subject)
        .bind(&hold.reason)
        .bind(hold.until_us.unwrap_or_default())
        .bind(hold.source.as_str())
        .bind(&stored.commit.actor)
        .bind(stored.commit.recorded_at_us)
        .bind(stored.position.0.cast_signed())
        .execute(conn)
        .await?;
    Ok(())
}

async fn release(conn: &mut SqliteConnection, id: Uuid) -> Result<(), ApplyError> {
    sqlx::query("UPDATE holds SET released = 1 WHERE id = $1")
        .bind(id.to_string())
        .execute(conn)
        .await?;
    Ok(())
}
