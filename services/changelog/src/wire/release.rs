//! What the releaser records, as far as it matters to changelogs.

use eventlog::{EventRecord, UnknownEvent};
use proto::release::v1 as pb;

use super::{message, told_oid, unknown};
use crate::process::{Item, News};

pub(super) const CREATED: &str = "towpath.release.v1.ReleaseCreated";
pub(super) const BEGUN: &str = "towpath.release.v1.PassBegun";
pub(super) const NUMBERED: &str = "towpath.release.v1.CandidateNumbered";
pub(super) const REFUSED: &str = "towpath.release.v1.CandidateRefused";
pub(super) const SUCCEEDED: &str = "towpath.release.v1.ReleaseSucceeded";
pub(super) const FAILED: &str = "towpath.release.v1.ReleaseFailed";
pub(super) const RESUMED: &str = "towpath.release.v1.ReleaseResumed";

/// Ends after which somebody may take up the pass again.
const MAY_RESUME: [&str; 2] = ["FAILED", "ABORTED"];

/// What an event of a release means here.
pub(super) fn news(record: &EventRecord) -> Result<Option<News>, UnknownEvent> {
    Ok(Some(match (record.kind.as_str(), record.schema) {
        (CREATED, 1) => {
            let it: pb::ReleaseCreated = message(record)?;
            News::Created {
                application_set: it.application_set,
                bundle: it.bundle,
            }
        }
        (BEGUN, 1) => {
            let it: pb::PassBegun = message(record)?;
            let items = it.items.into_iter().map(|it| item(record, it));
            News::Begun {
                ordinal: it.ordinal,
                items: items.collect::<Result<_, _>>()?,
            }
        }
        (NUMBERED, 1) => News::Numbered(message::<pb::CandidateNumbered>(record)?.tag),
        (REFUSED | SUCCEEDED, 1) => News::Over { may_resume: false },
        (FAILED, 1) => {
            let it: pb::ReleaseFailed = message(record)?;
            News::Over {
                may_resume: MAY_RESUME.contains(&it.state.as_str()),
            }
        }
        (RESUMED, 1) => News::Resumed,
        (CREATED | BEGUN | NUMBERED | REFUSED | SUCCEEDED | FAILED | RESUMED, _) => {
            return Err(unknown(record));
        }
        _ => return Ok(None),
    }))
}

fn item(record: &EventRecord, it: pb::Item) -> Result<Item, UnknownEvent> {
    Ok(Item {
        commit: told_oid(record, &it.commit)?,
        application: it.application,
        definition: it.definition,
        version: it.version,
        digest: it.digest,
    })
}
