//! Builds, as reported and what became of them.

use async_trait::async_trait;
use decider::Decider as _;
use eventlog::projector::{ApplyError, Cell, Column, Index, Rows, Table};
use eventlog::{Codec as _, Projection, Stored};

use crate::domain::build::{Build, Event, Report};

/// The table `builds`.
#[derive(Debug)]
pub struct Builds;

const BUILDS: Table = Table {
    name: "builds",
    columns: &[
        Column::text("id"),
        Column::text("definition"),
        Column::text("container"),
        Column::text("version"),
        Column::text("release_type"),
        Column::text("digest"),
        Column::text("source_commit"),
        Column::text("state"),
        Column::text("detail"),
        Column::int("reported_at_us"),
        Column::text("reported_by"),
        Column::int("position"),
    ],
    key: 1,
    indexes: &[Index {
        name: "builds_by_version",
        columns: &["definition", "version"],
    }],
};

#[async_trait]
impl Projection for Builds {
    fn name(&self) -> &'static str {
        "builds"
    }

    fn tables(&self) -> &'static [Table] {
        &[BUILDS]
    }

    fn fold_version(&self) -> u32 {
        1
    }

    async fn apply(&self, rows: &mut Rows<'_>, stored: &Stored) -> Result<(), ApplyError> {
        if stored.commit.aggregate.kind() != Build::KIND {
            return Ok(());
        }
        let id = Cell::from(stored.commit.aggregate.id().to_string());
        for record in &stored.commit.events {
            let (state, detail) = match Build::decode(record)? {
                Event::Reported(report) => {
                    report_row(rows, &id, &report, stored)?;
                    continue;
                }
                Event::Routed(_) => ("ROUTED", String::new()),
                Event::Kept => ("KEPT", String::new()),
                Event::Unmatched { wanted_manifest } => ("UNMATCHED", wanted_manifest),
                Event::Quarantined { digest } => ("QUARANTINED", digest.to_string()),
            };
            if let Some(row) = rows.edit(&BUILDS, std::slice::from_ref(&id)).await? {
                row.set([("state", state.into()), ("detail", detail.into())])?;
            }
        }
        Ok(())
    }
}

fn report_row(
    rows: &mut Rows<'_>,
    id: &Cell,
    report: &Report,
    stored: &Stored,
) -> Result<(), ApplyError> {
    let commit = report.commit.as_ref().map(ToString::to_string);
    rows.put(BUILDS.row([
        ("id", id.clone()),
        ("definition", (&report.definition).into()),
        ("container", (&report.container).into()),
        ("version", report.version.as_str().into()),
        ("release_type", report.release_type.as_str().into()),
        ("digest", report.digest.as_str().into()),
        ("source_commit", commit.unwrap_or_default().into()),
        ("state", "REPORTED".into()),
        ("reported_at_us", stored.commit.recorded_at_us.into()),
        ("reported_by", (&stored.commit.actor).into()),
        ("position", stored.position.into()),
    ])?)
}
