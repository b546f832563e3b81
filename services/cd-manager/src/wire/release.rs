//! What the releaser records, as far as it matters to deployments.

use eventlog::{EventRecord, Stored, UnknownEvent};
use ids::ReleaseType;
use proto::release::v1 as pb;

use super::{Fields, message};
use crate::domain::build::Report;
use crate::domain::release::{Candidate, News};

const PACKAGE: &str = "towpath.release.v1.";

/// What an event of a release says to deployments; most say nothing.
pub(super) fn news(stored: &Stored, record: &EventRecord) -> Result<Option<News>, UnknownEvent> {
    let over = |state: &str, message: String| News::Over {
        state: state.to_owned(),
        message,
    };
    Ok(match name(record)? {
        "ReleaseCreated" => {
            let it: pb::ReleaseCreated = message(record)?;
            Some(News::Created {
                application_set: it.application_set,
                bundle: it.bundle,
            })
        }
        "PassBegun" => {
            let it: pb::PassBegun = message(record)?;
            Some(News::Begun {
                ordinal: it.ordinal,
                requested_by: stored.commit.actor.clone(),
            })
        }
        "CandidateNumbered" => {
            let it: pb::CandidateNumbered = message(record)?;
            Some(News::Numbered(Fields(record).version(&it.tag)?))
        }
        "ReleaseCandidateReady" => Some(News::Ready(ready(stored, record, message(record)?)?)),
        "CandidateRefused" => {
            let it: pb::CandidateRefused = message(record)?;
            Some(over("FAILED", format!("{}: {}", it.code, it.message)))
        }
        "ReleaseSucceeded" => Some(over("SUCCESS", String::new())),
        "ReleaseFailed" => {
            let it: pb::ReleaseFailed = message(record)?;
            Some(over(&it.state, it.message))
        }
        "ReleaseResumed" => Some(News::Resumed),
        "CandidateTagged" => None,
        _ => return Err(unknown(record)),
    })
}

/// A release's event as a line of a story.
pub(crate) fn told(record: &EventRecord) -> Result<String, UnknownEvent> {
    Ok(match name(record)? {
        "ReleaseCreated" => "the release was asked for".to_owned(),
        "PassBegun" => {
            let it: pb::PassBegun = message(record)?;
            let items = it.items.iter();
            let items: Vec<_> = items
                .map(|it| format!("{} {}", it.application, it.version))
                .collect();
            format!("pass {} began with {}", it.ordinal, items.join(", "))
        }
        "CandidateNumbered" => {
            let it: pb::CandidateNumbered = message(record)?;
            format!("its tag is {}", it.tag)
        }
        "CandidateTagged" => {
            let it: pb::CandidateTagged = message(record)?;
            format!("{} names {}", it.place, it.digest)
        }
        "CandidateRefused" => {
            let it: pb::CandidateRefused = message(record)?;
            format!("{}: {}", it.registry, it.message)
        }
        "ReleaseCandidateReady" => "every registry holds the tag".to_owned(),
        "ReleaseSucceeded" => "every environment runs it".to_owned(),
        "ReleaseFailed" => {
            let it: pb::ReleaseFailed = message(record)?;
            format!("{}: {}", it.state, it.message)
        }
        "ReleaseResumed" => "its deployment goes on".to_owned(),
        _ => return Err(unknown(record)),
    })
}

fn ready(
    stored: &Stored,
    record: &EventRecord,
    it: pb::ReleaseCandidateReady,
) -> Result<Vec<Candidate>, UnknownEvent> {
    let fields = Fields(record);
    let tag = fields.version(&it.tag)?;
    let items = it.items.into_iter().map(|item| {
        let reason = format!(
            "release {}/{}: {}",
            it.application_set, it.bundle, item.version
        );
        Ok(Candidate {
            build: fields.uuid(&item.build_id)?,
            built_as: fields.version(&item.version)?,
            report: Report {
                definition: item.definition,
                container: item.container,
                version: tag.clone(),
                release_type: ReleaseType::Latest,
                digest: fields.digest(&item.digest)?,
                registries: item.registries,
                commit: fields.opt_oid(&item.commit)?,
                // Candidates are ordered by when they became ready, not by CI's runs.
                ci_run: None,
            },
            reason,
            application: item.application,
            requested_by: String::new(),
            ready_at: stored.position.0,
        })
    });
    items.collect()
}

fn name(record: &EventRecord) -> Result<&str, UnknownEvent> {
    match (record.kind.strip_prefix(PACKAGE), record.schema) {
        (Some(name), 1) => Ok(name),
        _ => Err(unknown(record)),
    }
}

fn unknown(record: &EventRecord) -> UnknownEvent {
    UnknownEvent::new(
        record,
        "not an event of the releaser that this binary knows",
    )
}
