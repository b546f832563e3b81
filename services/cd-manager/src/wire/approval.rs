//! What the approval-ledger records, as far as it matters to deployments.

use eventlog::{EventRecord, UnknownEvent};
use ids::Uuid;
use proto::approval::v1 as pb;

use super::{Fields, message};
use crate::domain::explain::one_line;
use crate::process::Said;

const PACKAGE: &str = "towpath.approval.v1.";

/// An approval's event as a line of a story.
pub(crate) fn told(record: &EventRecord) -> Result<String, UnknownEvent> {
    Ok(match said(record)? {
        Said::Opened { round, .. } => format!("round {round} is open"),
        Said::Yes { by } => format!("approved by {by}"),
        Said::Enough => "the quorum is reached".to_owned(),
        Said::No { by, comment, .. } if comment.is_empty() => format!("rejected by {by}"),
        Said::No { by, comment, .. } => format!("rejected by {by}: {}", one_line(&comment)),
        Said::Stale => "the round counts for nothing any more".to_owned(),
    })
}

/// What an event of an approval means here.
pub(super) fn said(record: &EventRecord) -> Result<Said, UnknownEvent> {
    let fields = Fields(record);
    match (record.kind.strip_prefix(PACKAGE), record.schema) {
        (Some("RoundOpened"), 1) => {
            let it: pb::RoundOpened = message(record)?;
            let deployment: Uuid = fields.uuid(&it.deployment_id)?;
            Ok(Said::Opened {
                deployment,
                revision: it.revision,
                round: it.round,
            })
        }
        (Some("Approved"), 1) => {
            let it: pb::Approved = message(record)?;
            let by = it.actor.unwrap_or_default().name;
            Ok(Said::Yes { by })
        }
        (Some("Rejected"), 1) => {
            let it: pb::Rejected = message(record)?;
            let groups = it.spoke_for_groups.iter().map(|it| format!("group `{it}`"));
            let users = it.spoke_for_users.iter().map(|it| format!("`{it}`"));
            Ok(Said::No {
                by: it.actor.unwrap_or_default().name,
                comment: it.comment,
                spoke_for: groups.chain(users).collect(),
            })
        }
        (Some("QuorumReached"), 1) => Ok(Said::Enough),
        (Some("RoundStale"), 1) => Ok(Said::Stale),
        _ => Err(UnknownEvent::new(
            record,
            "not an event of the approval-ledger that this binary knows",
        )),
    }
}
