//! Deployments and how far they are in each environment.

use std::borrow::Cow;
use std::slice;

use async_trait::async_trait;
use decider::Decider as _;
use eventlog::projector::{ApplyError, Cell, Column, Index, Row, Rows, Table};
use eventlog::{Codec as _, Projection, Stored};

use crate::domain::deployment::{Created, Decisions, End, Event};
use crate::domain::explain::one_line;

/// The tables `deployments` and `deployment_places`.
#[derive(Debug)]
pub struct Deployments;

const DEPLOYMENTS: Table = Table {
    name: "deployments",
    columns: &[
        Column::text("id"),
        Column::text("build_id"),
        Column::text("application"),
        Column::text("application_set"),
        Column::text("kind"),
        Column::text("version"),
        Column::text("digest"),
        Column::text("source_commit"),
        Column::text("state"),
        Column::text("message"),
        Column::text("superseded_by"),
        Column::text("rule"),
        Column::text("requested_by"),
        Column::int("created_at_us"),
        Column::int("updated_at_us"),
        Column::int("position"),
    ],
    key: 1,
    indexes: &[
        Index {
            name: "deployments_newest",
            columns: &["position"],
        },
        Index {
            name: "deployments_of_application",
            columns: &["application", "position"],
        },
    ],
};

const PLACES: Table = Table {
    name: "deployment_places",
    columns: &[
        Column::text("deployment_id"),
        Column::text("environment"),
        Column::text("stage"),
        Column::int("ordinal"),
        Column::text("state"),
        Column::text("manifest_commit"),
        Column::text("url"),
        Column::text("message"),
    ],
    key: 2,
    indexes: &[],
};

#[async_trait]
impl Projection for Deployments {
    fn name(&self) -> &'static str {
        "deployments"
    }

    fn tables(&self) -> &'static [Table] {
        &[DEPLOYMENTS, PLACES]
    }

    fn fold_version(&self) -> u32 {
        3
    }

    async fn apply(&self, rows: &mut Rows<'_>, stored: &Stored) -> Result<(), ApplyError> {
        if stored.commit.aggregate.kind() != Decisions::KIND {
            return Ok(());
        }
        let id = Cell::from(stored.commit.aggregate.id().to_string());
        for record in &stored.commit.events {
            let event = Decisions::decode(record)?;
            if let Event::Created(created) = &event {
                create(rows, &id, created, stored)?;
            } else if let Event::Ended(end) = &event {
                finish(rows, &id, end).await?;
            } else {
                advance(rows, &id, &event).await?;
            }
        }
        match rows.edit(&DEPLOYMENTS, slice::from_ref(&id)).await? {
            Some(row) => row.set([("updated_at_us", stored.commit.recorded_at_us.into())]),
            None => Ok(()),
        }
    }
}

fn create(
    rows: &mut Rows<'_>,
    id: &Cell,
    created: &Created,
    stored: &Stored,
) -> Result<(), ApplyError> {
    let commit = created.commit.as_ref().map(ToString::to_string);
    let now = stored.commit.recorded_at_us;
    rows.put(DEPLOYMENTS.row([
        ("id", id.clone()),
        ("build_id", created.build.to_string().into()),
        ("application", (&created.application).into()),
        ("application_set", (&created.application_set).into()),
        ("kind", created.kind.as_str().into()),
        ("version", created.version.as_str().into()),
        ("digest", created.digest.as_str().into()),
        ("source_commit", commit.unwrap_or_default().into()),
        ("state", "PENDING".into()),
        ("message", (&created.reason).into()),
        ("requested_by", (&stored.commit.actor).into()),
        ("created_at_us", now.into()),
        ("updated_at_us", now.into()),
        ("position", stored.position.into()),
    ])?)?;
    rows.none_of(&PLACES, slice::from_ref(id))?;
    let places = created.stages.iter().flat_map(|stage| {
        let environments = stage.environments.iter();
        environments.map(move |environment| (&stage.id, environment))
    });
    for (ordinal, (stage, environment)) in (0_i64..).zip(places) {
        rows.put(PLACES.row([
            ("deployment_id", id.clone()),
            ("environment", environment.into()),
            ("stage", stage.into()),
            ("ordinal", ordinal.into()),
            ("state", "WAITING".into()),
        ])?)?;
    }
    Ok(())
}

/// What an event makes of environments.
struct Change<'a> {
    environments: &'a [String],
    state: &'static str,
    manifest_commit: Option<&'a str>,
    url: Option<&'a str>,
    message: Cow<'a, str>,
}

impl<'a> Change<'a> {
    fn to(state: &'static str, environments: &'a [String]) -> Self {
        Self {
            environments,
            state,
            manifest_commit: None,
            url: None,
            message: Cow::Borrowed(""),
        }
    }

    fn one(state: &'static str, environment: &'a String) -> Self {
        Self::to(state, slice::from_ref(environment))
    }

    fn message(self, message: impl Into<Cow<'a, str>>) -> Self {
        let message = message.into();
        Self { message, ..self }
    }

    fn commit(self, commit: &'a str) -> Self {
        let manifest_commit = Some(commit);
        Self {
            manifest_commit,
            ..self
        }
    }

    fn url(self, url: &'a str) -> Self {
        let url = Some(url);
        Self { url, ..self }
    }
}

fn change(event: &Event) -> Option<Change<'_>> {
    Some(match event {
        Event::Created(_)
        | Event::Ended(_)
        | Event::StageSucceeded { .. }
        | Event::StageReady(_)
        | Event::StageApproved { .. } => return None,
        Event::StageStale { environments, .. } | Event::StageReopened { environments, .. } => {
            Change::to("WAITING", environments)
        }
        Event::StageRejected {
            environments,
            by,
            comment,
            ..
        } => {
            let why = format!("rejected by {by}: {}", one_line(comment));
            Change::to("HALTED", environments).message(why.trim_end_matches(": ").to_owned())
        }
        Event::PromotionRequested { environment, .. } => Change::one("COMMITTING", environment),
        Event::Committed {
            environment,
            commit,
            ..
        } => Change::one("RECONCILING", environment).commit(commit.as_str()),
        Event::Refused {
            environment,
            message,
            ..
        } => Change::one("HALTED", environment).message(message),
        Event::EnvironmentSucceeded {
            environment, url, ..
        } => Change::one("SUCCESS", environment).url(url),
        Event::EnvironmentFailed {
            environment,
            message,
            ..
        } => Change::one("FAILED", environment).message(message),
        Event::EnvironmentSuperseded { environment, .. } => Change::one("SUPERSEDED", environment),
        Event::Retried { environment, .. } => Change::one("WAITING", environment).commit(""),
    })
}

async fn advance(rows: &mut Rows<'_>, id: &Cell, event: &Event) -> Result<(), ApplyError> {
    if let Some(change) = change(event) {
        for environment in change.environments {
            let key = [id.clone(), environment.into()];
            let Some(row) = rows.edit(&PLACES, &key).await? else {
                continue;
            };
            let message = change.message.as_ref();
            row.set([("state", change.state.into()), ("message", message.into())])?;
            if let Some(commit) = change.manifest_commit {
                row.set([("manifest_commit", commit.into())])?;
            }
            if let Some(url) = change.url {
                row.set([("url", url.into())])?;
            }
        }
    }
    refresh(rows, id).await
}

/// The deployment's word from those of its environments; the same rule as
/// `Deployment::state_word`, held to it by a test.
async fn refresh(rows: &mut Rows<'_>, id: &Cell) -> Result<(), ApplyError> {
    let places = rows.of(&PLACES, slice::from_ref(id)).await?;
    let (state, message) = word(&places)?;
    match rows.edit(&DEPLOYMENTS, slice::from_ref(id)).await? {
        Some(row) => row.set([("state", state.into()), ("message", message.into())]),
        None => Ok(()),
    }
}

/// What the places of a deployment say together, and the message of the first one halted.
fn word(places: &[&Row]) -> Result<(&'static str, String), ApplyError> {
    let mut halted: Option<(i64, &str)> = None;
    let (mut moving, mut reached) = (false, false);
    for place in places {
        match place.text("state")? {
            "HALTED" => {
                let this = (place.int("ordinal")?, place.text("message")?);
                halted = Some(halted.map_or(this, |it| it.min(this)));
            }
            "COMMITTING" | "RECONCILING" => moving = true,
            "SUCCESS" | "SUPERSEDED" => reached = true,
            _ => {}
        }
    }
    Ok(match halted {
        Some((_, message)) => ("HALTED", message.to_owned()),
        None if moving => ("IN_PROGRESS", String::new()),
        None if reached => ("WAITING", String::new()),
        None => ("PENDING", String::new()),
    })
}

async fn finish(rows: &mut Rows<'_>, id: &Cell, end: &End) -> Result<(), ApplyError> {
    let (state, message, by, rule) = match end {
        End::Success => ("SUCCESS", String::new(), String::new(), ""),
        End::Failed { message, .. } => ("FAILED", message.clone(), String::new(), ""),
        End::Superseded { by, rule } => (
            "SUPERSEDED",
            format!("superseded by {by} ({})", rule.as_str()),
            by.to_string(),
            rule.as_str(),
        ),
        End::Aborted { reason } => ("ABORTED", reason.clone(), String::new(), ""),
        End::Quarantined { message } => ("QUARANTINED", message.clone(), String::new(), ""),
        End::RolledBack { by } => (
            "ROLLED_BACK",
            format!("rolled back by {by}"),
            by.to_string(),
            "",
        ),
    };
    match rows.edit(&DEPLOYMENTS, slice::from_ref(id)).await? {
        Some(row) => row.set([
            ("state", state.into()),
            ("message", message.into()),
            ("superseded_by", by.into()),
            ("rule", rule.into()),
        ]),
        None => Ok(()),
    }
}
