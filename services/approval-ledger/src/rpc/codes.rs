//! The stable code of every rejection, and what to do about it.

use service::fault::Coded;

use crate::domain::approval::Rejection;

impl Coded for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NobodyIsAsked => "not-asked-for",
            Self::IsStale { .. } => "approval-stale",
            Self::IsService(_) => "service-cannot-approve",
            Self::AskedForIt(_) => "requester-cannot-approve",
            Self::NotAsked { .. } => "not-a-stakeholder",
            Self::OtherPlan { .. } => "other-plan",
            Self::IsApproved(_) => "approved-already",
            Self::IsRejected(_) => "rejected-already",
            Self::OthersRejected { .. } => "others-rejected",
        }
    }

    fn fix(&self) -> &'static str {
        match self {
            Self::NobodyIsAsked => "`towpath explain` says what the deployment waits for",
            Self::IsStale { .. } => {
                "`towpath explain` says what changed; the plan as it is now is asked about anew, unless the deployment is over"
            }
            Self::IsService(_) => "use the identity of a person",
            Self::AskedForIt(_) => "somebody else of those who are asked has to approve",
            Self::NotAsked { .. } => {
                "one of those has to; an admin gives groups to identities with `towpath access create`"
            }
            Self::OtherPlan { .. } => "look at it again: `towpath approvals show`",
            Self::IsApproved(_) => {
                "nothing is left to say; `towpath hold create` stops what is not committed yet"
            }
            Self::IsRejected(_) => "nothing is left to say",
            Self::OthersRejected { .. } => "ask one of those",
        }
    }
}
