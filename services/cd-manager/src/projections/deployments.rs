//! Deployments and how far they are in each environment.

use async_trait::async_trait;
use decider::Decider as _;
use eventlog::projector::{ApplyError, Table};
use eventlog::{Codec as _, Projection, Stored};
use sqlx::SqliteConnection;

use crate::domain::deployment::{Created, Decisions, End, Event};

/// The tables `deployments` and `deployment_places`.
#[derive(Debug)]
pub struct Deployments;

#[async_trait]
impl Projection for Deployments {
    fn name(&self) -> &'static str {
        "deployments"
    }

    fn tables(&self) -> &'static [Table] {
        &[
            Table {
                name: "deployments",
                key: &["id"],
            },
            Table {
                name: "deployment_places",
                key: &["deployment_id", "environment"],
            },
        ]
    }

    fn ddl(&self) -> &'static str {
        "CREATE TABLE deployments (
            id TEXT PRIMARY KEY,
            build_id TEXT NOT NULL,
            application TEXT NOT NULL,
            application_set TEXT NOT NULL,
            kind TEXT NOT NULL,
            version TEXT NOT NULL,
            digest TEXT NOT NULL,
            source_commit TEXT NOT NULL,
            state TEXT NOT NULL,
            message TEXT NOT NULL,
            superseded_by TEXT NOT NULL,
            rule TEXT NOT NULL,
            requested_by TEXT NOT NULL,
            created_at_us INTEGER NOT NULL,
            updated_at_us INTEGER NOT NULL,
            position INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX deployments_newest ON deployments (position);
        CREATE INDEX deployments_of_application ON deployments (application, position);
        CREATE TABLE deployment_places (
            deployment_id TEXT NOT NULL,
            environment TEXT NOT NULL,
            stage TEXT NOT NULL,
            ordinal INTEGER NOT NULL,
            state TEXT NOT NULL,
            manifest_commit TEXT NOT NULL,
            url TEXT NOT NULL,
            message TEXT NOT NULL,
            PRIMARY KEY (deployment_id, environment)
        ) STRICT;"
    }

    fn fold_version(&self) -> u32 {
        2
    }

    async fn apply(&self, conn: &mut SqliteConnection, stored: &Stored) -> Result<(), ApplyError> {
        if stored.commit.aggregate.kind() != Decisions::KIND {
            return Ok(());
        }
        let id = stored.commit.aggregate.id().to_string();
        for record in &stored.commit.events {
            let event = Decisions::decode(record)?;
            if let Event::Created(created) = &event {
                create(conn, &id, created, stored).await?;
            } else if let Event::Ended(end) = &event {
                finish(conn, &id, end).await?;
            } else {
                advance(conn, &id, &event).await?;
            }
        }
        sqlx::query("UPDATE deployments SET updated_at_us = $2 WHERE id = $1")
            .bind(&id)
            .bind(stored.commit.recorded_at_us)
            .execute(conn)
            .await?;
        Ok(())
    }
}

async fn create(
    conn: &mut SqliteConnection,
    id: &str,
    created: &Created,
    stored: &Stored,
) -> Result<(), ApplyError> {
    sqlx::query(
        "INSERT INTO deployments VALUES
         ($1, $2, $3, $4, $5, $6, $7, $8, 'PENDING', $9, '', '', $10, $11, $11, $12)",
    )
    .bind(id)
    .bind(created.build.to_string())
    .bind(&created.application)
    .bind(&created.application_set)
    .bind(created.kind.as_str())
    .bind(created.version.as_str())
    .bind(created.digest.as_str())
    .bind(
        created
            .commit
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default(),
    )
    .bind(&created.reason)
    .bind(&stored.commit.actor)
    .bind(stored.commit.recorded_at_us)
    .bind(stored.position.0.cast_signed())
    .execute(&mut *conn)
    .await?;
    let mut ordinal = 0_i64;
    for stage in &created.stages {
        for environment in &stage.environments {
            add_place(conn, id, &stage.id, environment, ordinal).await?;
            ordinal += 1;
        }
    }
    Ok(())
}

async fn add_place(
    conn: &mut SqliteConnection,
    id: &str,
    stage: &str,
    environment: &str,
    ordinal: i64,
) -> Result<(), ApplyError> {
    sqlx::query("INSERT INTO deployment_places VALUES ($1, $2, $3, $4, 'WAITING', '', '', '')")
        .bind(id)
        .bind(environment)
        .bind(stage)
        .bind(ordinal)
        .execute(conn)
        .await?;
    Ok(())
}

/// What an event makes of one environment.
struct Change<'a> {
    environment: &'a str,
    state: &'a str,
    manifest_commit: Option<&'a str>,
    url: Option<&'a str>,
    message: &'a str,
}

async fn advance(conn: &mut SqliteConnection, id: &str, event: &Event) -> Result<(), ApplyError> {
    let mut change = Change {
        environment: "",
        state: "",
        manifest_commit: None,
        url: None,
        message: "",
    };
    match event {
        Event::Created(_) | Event::Ended(_) => {}
        Event::StageSucceeded { .. } => {}
        Event::PromotionRequested { environment, .. } => {
            change = Change {
                environment,
                state: "COMMITTING",
                ..change
            };
        }
        Event::Committed {
            environment,
            commit,
            ..
        } => {
            let manifest_commit = Some(commit.as_str());
            change = Change {
                environment,
                state: "RECONCILING",
                manifest_commit,
                ..change
            };
        }
        Event::Refused {
            environment,
            message,
            ..
        } => {
            change = Change {
                environment,
                state: "HALTED",
                message,
                ..change
            };
        }
        Event::EnvironmentSucceeded {
            environment, url, ..
        } => {
            change = Change {
                environment,
                state: "SUCCESS",
                url: Some(url),
                ..change
            };
        }
        Event::EnvironmentFailed {
            environment,
            message,
            ..
        } => {
            change = Change {
                environment,
                state: "FAILED",
                message,
                ..change
            };
        }
        Event::EnvironmentSuperseded { environment, .. } => {
            change = Change {
                environment,
                state: "SUPERSEDED",
                ..change
            };
        }
        Event::Retried { environment, .. } => {
            change = Change {
                environment,
                state: "WAITING",
                manifest_commit: Some(""),
                ..change
            };
        }
    }
    if !change.environment.is_empty() {
        sqlx::query(
            "UPDATE deployment_places SET state = $3, message = $4,
             manifest_commit = COALESCE($5, manifest_commit), url = COALESCE($6, url)
             WHERE deployment_id = $1 AND environment = $2",
        )
        .bind(id)
        .bind(change.environment)
        .bind(change.state)
        .bind(change.message)
        .bind(change.manifest_commit)
        .bind(change.url)
        .execute(&mut *conn)
        .await?;
    }
    refresh(conn, id).await
}

/// The deployment's word from those of its environments; the same rule as
/// `Deployment::state_word`, held to it by a test.
async fn refresh(conn: &mut SqliteConnection, id: &str) -> Result<(), ApplyError> {
    sqlx::query(
        "UPDATE deployments SET message = COALESCE(
             (SELECT message FROM deployment_places
              WHERE deployment_id = $1 AND state = 'HALTED' ORDER BY ordinal LIMIT 1), ''),
         state = CASE
           WHEN EXISTS (SELECT 1 FROM deployment_places
             WHERE deployment_id = $1 AND state = 'HALTED') THEN 'HALTED'
           WHEN EXISTS (SELECT 1 FROM deployment_places
             WHERE deployment_id = $1 AND state IN ('COMMITTING', 'RECONCILING')) THEN 'IN_PROGRESS'
           WHEN EXISTS (SELECT 1 FROM deployment_places
             WHERE deployment_id = $1 AND state IN ('SUCCESS', 'SUPERSEDED')) THEN 'WAITING'
           ELSE 'PENDING' END
         WHERE id = $1",
    )
    .bind(id)
    .execute(conn)
    .await?;
    Ok(())
}

async fn finish(conn: &mut SqliteConnection, id: &str, end: &End) -> Result<(), ApplyError> {
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
    sqlx::query(
        "UPDATE deployments SET state = $2, message = $3, superseded_by = $4, rule = $5 WHERE id = $1",
    )
    .bind(id)
    .bind(state)
    .bind(message)
    .bind(by)
    .bind(rule)
    .execute(conn)
    .await?;
    Ok(())
}
