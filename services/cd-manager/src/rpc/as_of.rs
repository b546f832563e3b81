//! Answers as they were: at a time, or right after one commit.

use std::sync::Arc;

use eventlog::Position;
use eventlog::projector::{Past, position_at};
use ids::{AggregateId, Uuid, derive};
use service::fault::{Fault, Kind, shown};
use service::time;

use crate::queries::{self, Shortened};
use crate::{Inner, projections};

/// The kinds of aggregate that this role knows by name.
const SLOT: &str = "slot";

/// A moment in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) position: Position,
    /// What counted as now.
    pub(super) now_us: i64,
}

impl Inner {
    /// Reads `as_of`: an RFC 3339 time, or `aggregate@version`.
    pub(super) async fn moment(&self, as_of: &str) -> Result<Moment, Fault> {
        if let Some((aggregate, version)) = as_of.rsplit_once('@') {
            return self.moment_of(aggregate, version).await;
        }
        let now_us = time::parse_rfc3339(as_of).map_err(|_| {
            let what = format!("`{}` is no time and no aggregate", shown(as_of));
            Fault::new(Kind::Invalid, "as-of-malformed", what).fix(
                "give a time such as 2026-11-20T10:00:00Z, or a commit such as deployment:<id>@3 or slot:<environment>/<application>@3",
            )
        })?;
        if now_us > self.deps.clock.now_us() {
            let what = format!("{} is still to come", time::rfc3339(now_us));
            return Err(Fault::new(Kind::Invalid, "as-of-future", what)
                .fix("give a time in the past; leave it out for the present"));
        }
        let (position, _) = position_at(&self.deps.log, now_us).await?;
        Ok(Moment { position, now_us })
    }

    async fn moment_of(&self, name: &str, version: &str) -> Result<Moment, Fault> {
        let malformed = |what: String| {
            Fault::new(Kind::Invalid, "as-of-malformed", what)
                .fix("write <kind>:<id>@<version>, such as deployment:<id>@3; versions begin at 1")
        };
        let place = name
            .strip_prefix(SLOT)
            .and_then(|it| it.strip_prefix(':')?.split_once('/'));
        let aggregate = match place {
            Some((environment, application)) => {
                AggregateId::new(SLOT, derive::slot(environment, application))
            }
            None => name
                .parse()
                .map_err(|error: ids::Invalid| malformed(error.to_string()))?,
        };
        let version = version
            .parse::<u64>()
            .ok()
            .filter(|it| *it > 0)
            .ok_or_else(|| malformed(format!("`{}` is no version", shown(version))))?;
        let head = self.deps.log.head(&aggregate).await?.version;
        let commits = if version <= head {
            self.deps.log.load(&aggregate, version - 1).await?
        } else {
            Vec::new()
        };
        let Some(stored) = commits.into_iter().next() else {
            let what = match head {
                0 => format!("there is no {aggregate} in the log"),
                _ => format!("{aggregate} ends at version {head}"),
            };
            return Err(Fault::new(Kind::NotFound, "as-of-unknown", what)
                .fix("`towpath log tail` shows aggregates and versions"));
        };
        Ok(Moment {
            position: stored.position,
            now_us: stored.commit.recorded_at_us,
        })
    }

    /// The read models at a moment. One is made at a time, and the last one made is kept, so
    /// that asking about it again costs nothing.
    pub(super) async fn past(&self, moment: Moment) -> Result<Arc<Past>, Fault> {
        let mut kept = self.past.lock().await;
        if let Some(past) = kept.as_ref().filter(|it| it.position() == moment.position) {
            return Ok(Arc::clone(past));
        }
        let past = Past::at(&self.deps.log, &projections::all(), moment.position)
            .await
            .map_err(Fault::broken)?;
        let past = Arc::new(past);
        *kept = Some(Arc::clone(&past));
        Ok(past)
    }

    /// The deployment that a text named then.
    pub(super) async fn deployment_id_then(&self, past: &Past, text: &str) -> Result<Uuid, Fault> {
        let prefix = text.to_ascii_lowercase();
        let ids = if super::is_id_part(&prefix) {
            queries::ids_with_prefix(past.reads(), Shortened::Deployments, &prefix).await?
        } else {
            Vec::new()
        };
        super::only(&ids, text)?.ok_or_else(|| {
            let what = format!("there was no deployment `{}` then", shown(text));
            Fault::new(Kind::NotFound, "not-found", what)
                .fix("`towpath deployments list --as-of …` shows those that there were")
        })
    }
}
