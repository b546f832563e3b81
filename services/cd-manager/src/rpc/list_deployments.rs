//! `ListDeployments`.

use eventlog::Position;
use proto::delivery::v1 as pb;
use service::fault::{Fault, Kind, shown};

use crate::{Inner, queries};

/// How many are listed when nobody says.
const LIMIT: u32 = 200;
/// The most that one answer holds.
const MOST: u32 = 10_000;

impl Inner {
    pub(super) async fn list_deployments(
        &self,
        request: &pb::ListDeploymentsRequest,
    ) -> Result<pb::ListDeploymentsResponse, Fault> {
        check_state(&request.state)?;
        if !request.as_of.is_empty() {
            let moment = self.moment(&request.as_of).await?;
            let past = self.past(moment).await?;
            let deployments = queries::deployments(past.reads(), &wanted(request)).await?;
            let position = moment.position.0;
            return Ok(pb::ListDeploymentsResponse {
                deployments,
                position,
            });
        }
        let position = match request.min_position {
            0 => self.read_now().await?,
            wanted => {
                self.read_at(Position(wanted)).await?;
                *self.deps.read_position.borrow()
            }
        };
        let deployments = queries::deployments(&self.deps.reads, &wanted(request)).await?;
        Ok(pb::ListDeploymentsResponse {
            deployments,
            position: position.0,
        })
    }
}

fn wanted(request: &pb::ListDeploymentsRequest) -> queries::Wanted<'_> {
    queries::Wanted {
        id: "",
        application: &request.application,
        environment: &request.environment,
        state: &request.state,
        limit: if request.limit == 0 {
            LIMIT
        } else {
            request.limit.min(MOST)
        },
    }
}

/// The words that a deployment's state can be.
const STATES: [&str; 10] = [
    "PENDING",
    "IN_PROGRESS",
    "WAITING",
    "HALTED",
    "SUCCESS",
    "FAILED",
    "SUPERSEDED",
    "ABORTED",
    "ROLLED_BACK",
    "QUARANTINED",
];

fn check_state(state: &str) -> Result<(), Fault> {
    if state.is_empty() || STATES.contains(&state) {
        return Ok(());
    }
    let what = format!("`{}` is no state of a deployment", shown(state));
    Err(Fault::new(Kind::Invalid, "invalid-value", what)
        .fix(format!("states: {}", STATES.join(", "))))
}
