//! Holds, in force and released.

use async_trait::async_trait;
use decider::Decider as _;
use eventlog::projector::{ApplyError, Cell, Column, Index, Rows, Table};
use eventlog::{Codec as _, Projection, Stored};
use ids::Uuid;

use crate::domain::hold::Hold;
use crate::domain::scope::{self, Scope};
use crate::domain::slot::{self, Slot};

/// The table `holds`.
#[derive(Debug)]
pub struct HoldList;

const HOLDS: Table = Table {
    name: "holds",
    columns: &[
        Column::text("id"),
        Column::text("aggregate"),
        Column::text("scope"),
        Column::text("subject"),
        Column::text("reason"),
        Column::int("until_us"),
        Column::text("source"),
        Column::text("placed_by"),
        Column::int("placed_at_us"),
        Column::int("released"),
        Column::int("position"),
    ],
    key: 1,
    indexes: &[Index {
        name: "holds_in_force",
        columns: &["released", "scope", "subject"],
    }],
};

#[async_trait]
impl Projection for HoldList {
    fn name(&self) -> &'static str {
        "holds"
    }

    fn tables(&self) -> &'static [Table] {
        &[HOLDS]
    }

    fn fold_version(&self) -> u32 {
        1
    }

    async fn apply(&self, rows: &mut Rows<'_>, stored: &Stored) -> Result<(), ApplyError> {
        let kind = stored.commit.aggregate.kind();
        for record in &stored.commit.events {
            if kind == Slot::KIND {
                match Slot::decode(record)? {
                    slot::Event::Held(hold) => place(rows, &hold, stored)?,
                    slot::Event::Released { id, .. } => release(rows, id).await?,
                    slot::Event::Accepted { .. }
                    | slot::Event::Superseded { .. }
                    | slot::Event::Started { .. }
                    | slot::Event::Finished { .. }
                    | slot::Event::Edited { .. } => {}
                }
            } else if kind == Scope::KIND {
                match Scope::decode(record)? {
                    scope::Event::Placed(hold) => place(rows, &hold, stored)?,
                    scope::Event::Released { id, .. } => release(rows, id).await?,
                }
            }
        }
        Ok(())
    }
}

fn place(rows: &mut Rows<'_>, hold: &Hold, stored: &Stored) -> Result<(), ApplyError> {
    rows.put(HOLDS.row([
        ("id", hold.id.to_string().into()),
        ("aggregate", stored.commit.aggregate.to_string().into()),
        ("scope", (&hold.scope).into()),
        ("subject", (&hold.subject).into()),
        ("reason", (&hold.reason).into()),
        ("until_us", hold.until_us.unwrap_or_default().into()),
        ("source", hold.source.as_str().into()),
        ("placed_by", (&stored.commit.actor).into()),
        ("placed_at_us", stored.commit.recorded_at_us.into()),
        ("position", stored.position.into()),
    ])?)
}

async fn release(rows: &mut Rows<'_>, id: Uuid) -> Result<(), ApplyError> {
    let key = [Cell::from(id.to_string())];
    match rows.edit(&HOLDS, &key).await? {
        Some(row) => row.set([("released", true.into())]),
        None => Ok(()),
    }
}
