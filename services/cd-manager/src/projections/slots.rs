//! What runs where, what waits, what a person wrote by hand.

use async_trait::async_trait;
use decider::Decider as _;
use eventlog::projector::{ApplyError, Cell, Column, Index, Row, Rows, Table};
use eventlog::{Codec as _, Projection, Stored};

use crate::domain::slot::{Candidate, Event, Outcome, Place, Slot};

/// The table `slots`.
#[derive(Debug)]
pub struct Slots;

const SLOTS: Table = Table {
    name: "slots",
    columns: &[
        Column::text("id"),
        Column::text("environment"),
        Column::text("application"),
        Column::text("version"),
        Column::text("digest"),
        Column::text("deployment_id"),
        Column::text("manifest_commit"),
        Column::text("previous_version"),
        Column::text("waiting_id"),
        Column::text("waiting_version"),
        Column::text("waiting_digest"),
        Column::text("forced_id"),
        Column::text("forced_version"),
        Column::text("forced_digest"),
        Column::text("flight_id"),
        Column::text("flight_version"),
        Column::text("flight_digest"),
        Column::text("unknown_version"),
        Column::text("unknown_because"),
    ],
    key: 1,
    indexes: &[Index {
        name: "slots_by_place",
        columns: &["environment", "application"],
    }],
};

#[async_trait]
impl Projection for Slots {
    fn name(&self) -> &'static str {
        "slots"
    }

    fn tables(&self) -> &'static [Table] {
        &[SLOTS]
    }

    fn fold_version(&self) -> u32 {
        2
    }

    async fn apply(&self, rows: &mut Rows<'_>, stored: &Stored) -> Result<(), ApplyError> {
        if stored.commit.aggregate.kind() != Slot::KIND {
            return Ok(());
        }
        let id = Cell::from(stored.commit.aggregate.id().to_string());
        for record in &stored.commit.events {
            let event = Slot::decode(record)?;
            if let Event::Accepted { place, .. } | Event::Edited { place, .. } = &event {
                ensure(rows, &id, place).await?;
            }
            if let Some(row) = rows.edit(&SLOTS, std::slice::from_ref(&id)).await? {
                change(row, event)?;
            }
        }
        Ok(())
    }
}

async fn ensure(rows: &mut Rows<'_>, id: &Cell, place: &Place) -> Result<(), ApplyError> {
    if rows.get(&SLOTS, std::slice::from_ref(id)).await?.is_some() {
        return Ok(());
    }
    rows.put(SLOTS.row([
        ("id", id.clone()),
        ("environment", (&place.environment).into()),
        ("application", (&place.application).into()),
    ])?)
}

fn change(row: &mut Row, event: Event) -> Result<(), ApplyError> {
    match event {
        Event::Accepted {
            candidate, forced, ..
        } => accept(row, &candidate, forced),
        Event::Superseded { deployment, .. } => clear_waiting(row, &deployment.to_string()),
        Event::Started { deployment } => start(row, &deployment.to_string()),
        Event::Finished {
            deployment,
            outcome,
            manifest_commit,
        } => {
            let deployment = deployment.to_string();
            if outcome == Outcome::Succeeded {
                succeed(row, &deployment, &manifest_commit)?;
            }
            clear(row, &deployment, !manifest_commit.is_empty())
        }
        Event::Edited { edit, .. } => {
            let unknown = match edit.deployment {
                None => edit.version.as_str(),
                Some(_) => "",
            };
            let because = if edit.unapproved {
                "UNAPPROVED_CHANGE"
            } else {
                "UNKNOWN_VERSION"
            };
            row.set([
                ("unknown_version", unknown.into()),
                ("unknown_because", because.into()),
            ])
        }
        // Holds have a table of their own.
        Event::Held(_) | Event::Released { .. } => Ok(()),
    }
}

fn accept(row: &mut Row, candidate: &Candidate, forced: bool) -> Result<(), ApplyError> {
    let [id, version, digest] = if forced { FORCED } else { WAITING };
    row.set([
        (id, candidate.deployment.to_string().into()),
        (version, candidate.version.as_str().into()),
        (digest, candidate.digest.as_str().into()),
    ])
}

const WAITING: [&str; 3] = ["waiting_id", "waiting_version", "waiting_digest"];
const FORCED: [&str; 3] = ["forced_id", "forced_version", "forced_digest"];
const FLIGHT: [&str; 3] = ["flight_id", "flight_version", "flight_digest"];

/// Empties three columns if the first one names the deployment.
fn empty(row: &mut Row, columns: [&str; 3], deployment: &str) -> Result<bool, ApplyError> {
    let named = row.text(columns[0])? == deployment;
    if named {
        row.set(columns.map(|it| (it, "".into())))?;
    }
    Ok(named)
}

fn clear_waiting(row: &mut Row, deployment: &str) -> Result<(), ApplyError> {
    empty(row, WAITING, deployment).map(drop)
}

fn start(row: &mut Row, deployment: &str) -> Result<(), ApplyError> {
    let forced = row.text(FORCED[0])? == deployment;
    let from = if forced { FORCED } else { WAITING };
    let [_, version, digest] = from;
    let (version, digest) = (row.text(version)?.into(), row.text(digest)?.into());
    row.set([
        (FLIGHT[0], deployment.into()),
        (FLIGHT[1], version),
        (FLIGHT[2], digest),
    ])?;
    empty(row, FORCED, deployment)?;
    clear_waiting(row, deployment)
}

fn succeed(row: &mut Row, deployment: &str, manifest_commit: &str) -> Result<(), ApplyError> {
    if row.text(FLIGHT[0])? != deployment {
        return Ok(());
    }
    let (before, now) = (row.text("version")?, row.text(FLIGHT[1])?);
    let previous = if !before.is_empty() && before != now {
        before
    } else {
        row.text("previous_version")?
    };
    let (previous, version) = (previous.into(), now.into());
    let digest = row.text(FLIGHT[2])?.into();
    row.set([
        ("previous_version", previous),
        ("version", version),
        ("digest", digest),
        ("deployment_id", deployment.into()),
        ("manifest_commit", manifest_commit.into()),
    ])
}

fn clear(row: &mut Row, deployment: &str, wrote: bool) -> Result<(), ApplyError> {
    if empty(row, FLIGHT, deployment)? && wrote {
        row.set([("unknown_version", "".into())])?;
    }
    empty(row, FORCED, deployment)?;
    clear_waiting(row, deployment)
}
