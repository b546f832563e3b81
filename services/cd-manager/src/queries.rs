//! Questions to the read models. Every answer is ordered, so that equal rows give equal bytes.

use std::collections::BTreeMap;

use proto::delivery::v1 as pb;
use service::Fault;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool};

/// Which deployments; empty texts mean all.
#[derive(Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) id: &'a str,
    pub(crate) application: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) state: &'a str,
    pub(crate) limit: u32,
}

const COLUMNS: &str = "SELECT id, build_id, application, kind, version, digest, source_commit, state, \
     message, superseded_by, rule, requested_by, created_at_us, updated_at_us FROM deployments d WHERE 1 = 1";

/// Deployments, newest first.
pub(crate) async fn deployments(
    pool: &SqlitePool,
    wanted: &Wanted<'_>,
) -> Result<Vec<pb::Deployment>, Fault> {
    let mut query = QueryBuilder::<Sqlite>::new(COLUMNS);
    for (column, value) in [
        ("id", wanted.id),
        ("application", wanted.application),
        ("state", wanted.state),
    ] {
        if !value.is_empty() {
            query
                .push(format!(" AND d.{column} = "))
                .push_bind(value.to_owned());
        }
    }
    if !wanted.environment.is_empty() {
        query.push(
            " AND EXISTS (SELECT 1 FROM deployment_places p WHERE p.deployment_id = d.id AND p.environment = ",
        );
        query.push_bind(wanted.environment.to_owned()).push(")");
    }
    query
        .push(" ORDER BY position DESC, id LIMIT ")
        .push_bind(i64::from(wanted.limit.max(1)));
    let rows = query.build().fetch_all(pool).await.map_err(Fault::broken)?;
    let mut found: Vec<pb::Deployment> = rows
        .iter()
        .map(deployment)
        .collect::<Result<_, _>>()
        .map_err(Fault::broken)?;
    let mut stages = places(pool, &found).await?;
    for deployment in &mut found {
        deployment.stages = stages.remove(&deployment.id).unwrap_or_default();
    }
    Ok(found)
}

/// A table whose ids people may shorten.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shortened {
    Builds,
    Deployments,
    Holds,
}

/// Ids that begin with `prefix`, at most two.
pub(crate) async fn ids_with_prefix(
    pool: &SqlitePool,
    of: Shortened,
    prefix: &str,
) -> Result<Vec<String>, Fault> {
    let sql = match of {
        Shortened::Builds => "SELECT id FROM builds WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2",
        Shortened::Deployments => {
            "SELECT id FROM deployments WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2"
        }
        Shortened::Holds => "SELECT id FROM holds WHERE id >= $1 AND id < $2 ORDER BY id LIMIT 2",
    };
    let end = format!("{prefix}\u{7f}");
    let rows = sqlx::query(sql)
        .bind(prefix)
        .bind(end)
        .fetch_all(pool)
        .await
        .map_err(Fault::broken)?;
    rows.iter()
        .map(|row| row.try_get(0).map_err(Fault::broken))
        .collect()
}

fn deployment(row: &SqliteRow) -> Result<pb::Deployment, sqlx::Error> {
    Ok(pb::Deployment {
        id: row.try_get("id")?,
        application: row.try_get("application")?,
        kind: row.try_get("kind")?,
        version: row.try_get("version")?,
        digest: row.try_get("digest")?,
        commit: row.try_get("source_commit")?,
        state: row.try_get("state")?,
        message: row.try_get("message")?,
        stages: vec![],
        created_at_us: row.try_get("created_at_us")?,
        updated_at_us: row.try_get("updated_at_us")?,
        build_id: row.try_get("build_id")?,
        requested_by: row.try_get("requested_by")?,
        superseded_by: row.try_get("superseded_by")?,
        rule: row.try_get("rule")?,
    })
}

async fn places(
    pool: &SqlitePool,
    of: &[pb::Deployment],
) -> Result<BTreeMap<String, Vec<pb::StageStatus>>, Fault> {
    let mut stages: BTreeMap<String, Vec<pb::StageStatus>> = BTreeMap::new();
    for chunk in of.chunks(500) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT deployment_id, stage, environment, state, manifest_commit, url, message
             FROM deployment_places WHERE deployment_id IN (",
        );
        let mut ids = query.separated(", ");
        for deployment in chunk {
            ids.push_bind(deployment.id.clone());
        }
        query.push(") ORDER BY deployment_id, ordinal");
        for row in query.build().fetch_all(pool).await.map_err(Fault::broken)? {
            add_place(&mut stages, &row).map_err(Fault::broken)?;
        }
    }
    for stage in stages.values_mut().flatten() {
        stage.state = stage_word(&stage.environments).to_owned();
    }
    Ok(stages)
}

fn add_place(
    stages: &mut BTreeMap<String, Vec<pb::StageStatus>>,
    row: &SqliteRow,
) -> Result<(), sqlx::Error> {
    let id: String = row.try_get("stage")?;
    let environment = pb::EnvironmentStatus {
        environment: row.try_get("environment")?,
        state: row.try_get("state")?,
        manifest_commit: row.try_get("manifest_commit")?,
        url: row.try_get("url")?,
        message: row.try_get("message")?,
    };
    let of = stages.entry(row.try_get("deployment_id")?).or_default();
    match of.last_mut() {
        Some(stage) if stage.id == id => stage.environments.push(environment),
        _ => of.push(pb::StageStatus {
            id,
            state: String::new(),
            environments: vec![environment],
        }),
    }
    Ok(())
}

/// A stage is as far as its environments: what went wrong first, then what is under way.
fn stage_word(environments: &[pb::EnvironmentStatus]) -> &'static str {
    let any = |word: &str| environments.iter().any(|it| it.state == word);
    let order = [
        "FAILED",
        "HALTED",
        "RECONCILING",
        "COMMITTING",
        "WAITING",
        "SUPERSEDED",
    ];
    order
        .into_iter()
        .find(|word| any(word))
        .unwrap_or("SUCCESS")
}

const SLOTS: &str = "SELECT s.environment, s.application, s.version, s.digest, s.deployment_id, \
     s.previous_version, s.flight_id, s.waiting_version, s.forced_version, s.manifest_commit, \
     s.unknown_version, COALESCE(p.url, '') AS url, \
     COALESCE(d.application_set, '') AS application_set FROM slots s \
     LEFT JOIN deployments d ON d.id = CASE WHEN s.deployment_id <> '' THEN s.deployment_id \
     WHEN s.flight_id <> '' THEN s.flight_id ELSE s.waiting_id END \
     LEFT JOIN deployment_places p ON p.deployment_id = s.deployment_id AND p.environment = s.environment";

/// Environments with their slots, by name. `environment` empty = all.
pub(crate) async fn environments(
    pool: &SqlitePool,
    environment: &str,
    now_us: i64,
) -> Result<Vec<pb::Environment>, Fault> {
    let mut query = QueryBuilder::<Sqlite>::new(SLOTS);
    if !environment.is_empty() {
        query
            .push(" WHERE s.environment = ")
            .push_bind(environment.to_owned());
    }
    query.push(" ORDER BY s.environment, s.application");
    let rows = query.build().fetch_all(pool).await.map_err(Fault::broken)?;
    let holds = holds(pool, false, now_us).await?;
    let mut found: Vec<pb::Environment> = Vec::new();
    for row in &rows {
        let (name, mut slot) = slot(row).map_err(Fault::broken)?;
        let set: String = row.try_get("application_set").map_err(Fault::broken)?;
        let subject = format!("{name}/{}", slot.application);
        let holds_it = |hold: &&pb::Hold| match hold.scope.as_str() {
            "all" => true,
            "environment" => hold.subject == name,
            "appset" => hold.subject == set,
            "app" => hold.subject == subject || hold.subject == slot.application,
            _ => false,
        };
        slot.holds = holds.iter().filter(holds_it).cloned().collect();
        if slot.state == "IDLE" && !slot.holds.is_empty() {
            "HELD".clone_into(&mut slot.state);
        }
        match found.last_mut() {
            Some(last) if last.name == name => last.slots.push(slot),
            _ => found.push(pb::Environment {
                name,
                slots: vec![slot],
            }),
        }
    }
    Ok(found)
}

fn slot(row: &SqliteRow) -> Result<(String, pb::Slot), sqlx::Error> {
    let flight: String = row.try_get("flight_id")?;
    let unknown_version: String = row.try_get("unknown_version")?;
    let forced: String = row.try_get("forced_version")?;
    let waiting: String = row.try_get("waiting_version")?;
    let state = if !flight.is_empty() {
        "PROMOTING"
    } else if !unknown_version.is_empty() {
        "UNKNOWN_VERSION"
    } else {
        "IDLE"
    };
    let slot = pb::Slot {
        application: row.try_get("application")?,
        version: row.try_get("version")?,
        digest: row.try_get("digest")?,
        deployment_id: row.try_get("deployment_id")?,
        previous_version: row.try_get("previous_version")?,
        state: state.to_owned(),
        waiting_version: if forced.is_empty() { waiting } else { forced },
        url: row.try_get("url")?,
        manifest_commit: row.try_get("manifest_commit")?,
        unknown_version,
        holds: vec![],
    };
    Ok((row.try_get("environment")?, slot))
}

/// Holds, oldest first: those in force, or all.
pub(crate) async fn holds(
    pool: &SqlitePool,
    all: bool,
    now_us: i64,
) -> Result<Vec<pb::Hold>, Fault> {
    let rows = sqlx::query(
        "SELECT id, scope, subject, reason, until_us, source, placed_by, placed_at_us, released FROM holds
         WHERE $1 OR (released = 0 AND (until_us = 0 OR until_us > $2)) ORDER BY position, id",
    )
    .bind(all)
    .bind(now_us)
    .fetch_all(pool)
    .await
    .map_err(Fault::broken)?;
    rows.iter()
        .map(|row| hold(row).map_err(Fault::broken))
        .collect()
}

/// A hold and the aggregate it is on, by id.
pub(crate) async fn hold_by_id(
    pool: &SqlitePool,
    id: &str,
) -> Result<Option<(pb::Hold, String)>, Fault> {
    let row = sqlx::query(
        "SELECT id, scope, subject, reason, until_us, source, placed_by, placed_at_us, released, aggregate
         FROM holds WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(pool)
    .await
    .map_err(Fault::broken)?;
    row.map(|row| Ok((hold(&row)?, row.try_get("aggregate")?)))
        .transpose()
        .map_err(|it: sqlx::Error| Fault::broken(it))
}

fn hold(row: &SqliteRow) -> Result<pb::Hold, sqlx::Error> {
    Ok(pb::Hold {
        id: row.try_get("id")?,
        scope: row.try_get("scope")?,
        subject: row.try_get("subject")?,
        reason: row.try_get("reason")?,
        until_us: row.try_get("until_us")?,
        source: row.try_get("source")?,
        placed_by: row.try_get("placed_by")?,
        placed_at_us: row.try_get("placed_at_us")?,
        released: row.try_get("released")?,
    })
}
