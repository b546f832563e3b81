//! Questions to the read models. Every answer is ordered, so that equal rows give equal bytes.

use std::collections::BTreeMap;

use eventlog::projector::{Answer, Question, Reads, ReadsError};
use proto::delivery::v1 as pb;
use service::Fault;

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
    reads: &Reads,
    wanted: &Wanted<'_>,
) -> Result<Vec<pb::Deployment>, Fault> {
    let mut query = Question::new(COLUMNS);
    for (column, value) in [
        ("id", wanted.id),
        ("application", wanted.application),
        ("state", wanted.state),
    ] {
        if !value.is_empty() {
            query.push(&format!(" AND d.{column} = ")).bind(value);
        }
    }
    if !wanted.environment.is_empty() {
        query.push(
            " AND EXISTS (SELECT 1 FROM deployment_places p WHERE p.deployment_id = d.id AND p.environment = ",
        );
        query.bind(wanted.environment).push(")");
    }
    query
        .push(" ORDER BY position DESC, id LIMIT ")
        .bind(i64::from(wanted.limit.max(1)));
    let rows = query.fetch(reads).await?;
    let mut found: Vec<pb::Deployment> = rows.iter().map(deployment).collect::<Result<_, _>>()?;
    let mut stages = places(reads, &found).await?;
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
    reads: &Reads,
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
    let rows = reads.fetch(sql, &[prefix.into(), end.into()]).await?;
    let ids = rows.iter().map(|row| row.text("id"));
    Ok(ids.collect::<Result<_, _>>()?)
}

fn deployment(row: &Answer) -> Result<pb::Deployment, ReadsError> {
    Ok(pb::Deployment {
        id: row.text("id")?,
        application: row.text("application")?,
        kind: row.text("kind")?,
        version: row.text("version")?,
        digest: row.text("digest")?,
        commit: row.text("source_commit")?,
        state: row.text("state")?,
        message: row.text("message")?,
        stages: vec![],
        created_at_us: row.int("created_at_us")?,
        updated_at_us: row.int("updated_at_us")?,
        build_id: row.text("build_id")?,
        requested_by: row.text("requested_by")?,
        superseded_by: row.text("superseded_by")?,
        rule: row.text("rule")?,
    })
}

async fn places(
    reads: &Reads,
    of: &[pb::Deployment],
) -> Result<BTreeMap<String, Vec<pb::StageStatus>>, Fault> {
    let mut stages: BTreeMap<String, Vec<pb::StageStatus>> = BTreeMap::new();
    for chunk in of.chunks(500) {
        let mut query = Question::new(
            "SELECT deployment_id, stage, environment, state, manifest_commit, url, message
             FROM deployment_places WHERE deployment_id IN (",
        );
        query.bind_all(chunk.iter().map(|it| &it.id));
        query.push(") ORDER BY deployment_id, ordinal");
        for row in query.fetch(reads).await? {
            add_place(&mut stages, &row)?;
        }
    }
    for stage in stages.values_mut().flatten() {
        stage.state = stage_word(&stage.environments).to_owned();
    }
    Ok(stages)
}

fn add_place(
    stages: &mut BTreeMap<String, Vec<pb::StageStatus>>,
    row: &Answer,
) -> Result<(), ReadsError> {
    let id: String = row.text("stage")?;
    let environment = pb::EnvironmentStatus {
        environment: row.text("environment")?,
        state: row.text("state")?,
        manifest_commit: row.text("manifest_commit")?,
        url: row.text("url")?,
        message: row.text("message")?,
    };
    let of = stages.entry(row.text("deployment_id")?).or_default();
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
     s.unknown_version, s.unknown_because, COALESCE(p.url, '') AS url, \
     COALESCE(d.application_set, '') AS application_set FROM slots s \
     LEFT JOIN deployments d ON d.id = CASE WHEN s.deployment_id <> '' THEN s.deployment_id \
     WHEN s.flight_id <> '' THEN s.flight_id ELSE s.waiting_id END \
     LEFT JOIN deployment_places p ON p.deployment_id = s.deployment_id AND p.environment = s.environment";

/// Environments with their slots, by name. `environment` empty = all.
pub(crate) async fn environments(
    reads: &Reads,
    environment: &str,
    now_us: i64,
) -> Result<Vec<pb::Environment>, Fault> {
    let mut query = Question::new(SLOTS);
    if !environment.is_empty() {
        query.push(" WHERE s.environment = ").bind(environment);
    }
    query.push(" ORDER BY s.environment, s.application");
    let rows = query.fetch(reads).await?;
    let holds = holds(reads, false, now_us).await?;
    let mut found: Vec<pb::Environment> = Vec::new();
    for row in &rows {
        let (name, mut slot) = slot(row)?;
        let set = row.text("application_set")?;
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

fn slot(row: &Answer) -> Result<(String, pb::Slot), ReadsError> {
    let flight: String = row.text("flight_id")?;
    let unknown_version: String = row.text("unknown_version")?;
    let forced: String = row.text("forced_version")?;
    let waiting: String = row.text("waiting_version")?;
    let state = if !flight.is_empty() {
        "PROMOTING"
    } else if unknown_version.is_empty() {
        "IDLE"
    } else if row.text("unknown_because")? == "UNAPPROVED_CHANGE" {
        "UNAPPROVED_CHANGE"
    } else {
        "UNKNOWN_VERSION"
    };
    let slot = pb::Slot {
        application: row.text("application")?,
        version: row.text("version")?,
        digest: row.text("digest")?,
        deployment_id: row.text("deployment_id")?,
        previous_version: row.text("previous_version")?,
        state: state.to_owned(),
        waiting_version: if forced.is_empty() { waiting } else { forced },
        url: row.text("url")?,
        manifest_commit: row.text("manifest_commit")?,
        unknown_version,
        holds: vec![],
    };
    Ok((row.text("environment")?, slot))
}

/// Holds, oldest first: those in force, or all.
pub(crate) async fn holds(reads: &Reads, all: bool, now_us: i64) -> Result<Vec<pb::Hold>, Fault> {
    let sql =
        "SELECT id, scope, subject, reason, until_us, source, placed_by, placed_at_us, released
         FROM holds WHERE $1 = 1 OR (released = 0 AND (until_us = 0 OR until_us > $2))
         ORDER BY position, id";
    let rows = reads.fetch(sql, &[all.into(), now_us.into()]).await?;
    Ok(rows.iter().map(hold).collect::<Result<_, _>>()?)
}

/// A hold and the aggregate it is on, by id.
pub(crate) async fn hold_by_id(
    reads: &Reads,
    id: &str,
) -> Result<Option<(pb::Hold, String)>, Fault> {
    let sql =
        "SELECT id, scope, subject, reason, until_us, source, placed_by, placed_at_us, released,
         aggregate FROM holds WHERE id = $1";
    let Some(row) = reads.first(sql, &[id.into()]).await? else {
        return Ok(None);
    };
    Ok(Some((hold(&row)?, row.text("aggregate")?)))
}

fn hold(row: &Answer) -> Result<pb::Hold, ReadsError> {
    Ok(pb::Hold {
        id: row.text("id")?,
        scope: row.text("scope")?,
        subject: row.text("subject")?,
        reason: row.text("reason")?,
        until_us: row.int("until_us")?,
        source: row.text("source")?,
        placed_by: row.text("placed_by")?,
        placed_at_us: row.int("placed_at_us")?,
        released: row.flag("released")?,
    })
}
