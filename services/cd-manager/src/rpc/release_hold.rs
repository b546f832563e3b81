//! `ReleaseHold`.

use eventlog::Context;
use ids::AggregateId;
use proto::delivery::v1 as pb;
use service::fault::{Fault, Kind, shown};

use crate::Inner;
use crate::domain::{scope, slot};
use crate::queries::{self, Shortened};

impl Inner {
    pub(super) async fn release_hold(
        &self,
        context: &Context,
        request: &pb::ReleaseHoldRequest,
    ) -> Result<pb::ReleaseHoldResponse, Fault> {
        let not_found = || {
            let what = format!("there is no hold `{}`", shown(&request.id));
            Fault::new(Kind::NotFound, "no-such-hold", what)
                .fix("`towpath hold list` shows those in force")
        };
        let found = self.find(Shortened::Holds, &request.id).await?;
        let id = found.ok_or_else(not_found)?;
        let (hold, aggregate) = queries::hold_by_id(&self.deps.reads, &id.to_string())
            .await?
            .ok_or_else(not_found)?;
        if request.dry_run {
            return Ok(pb::ReleaseHoldResponse {
                hold: Some(pb::Hold {
                    released: true,
                    ..hold
                }),
            });
        }
        let aggregate: AggregateId = aggregate.parse().map_err(Fault::broken)?;
        let reason = match request.reason.as_str() {
            "" => String::new(),
            given => super::text("reason", given)?,
        };
        if aggregate.kind() == <slot::Slot as decider::Decider>::KIND {
            let command = slot::Command::ReleaseHold { id, reason };
            self.slots
                .execute(aggregate.id(), context, &command)
                .await?;
        } else {
            let command = scope::Command::Release { id, reason };
            self.scopes
                .execute(aggregate.id(), context, &command)
                .await?;
        }
        self.read_now().await?;
        let hold = queries::hold_by_id(&self.deps.reads, &id.to_string())
            .await?
            .map(|it| it.0);
        Ok(pb::ReleaseHoldResponse { hold })
    }
}
