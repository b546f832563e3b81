//! An approval: what people said to one stage of one deployment, in rounds. A round is about
//! exactly one plan; what was said in one round counts for no other.

mod decide;
mod round;

use decider::Decider;
use ids::{Digest, Uuid};

pub use self::round::{Round, Standing, Vote};
pub use policy::{Person, Policy, Who};

/// What a round is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The deployment.
    pub deployment: Uuid,
    /// Its stage.
    pub stage: String,
    /// Which plan of the stage, as cd-manager counts them.
    pub revision: u32,
    /// Exactly what would be done.
    pub plan: Digest,
    /// Where.
    pub environments: Vec<String>,
    /// Who has to say yes.
    pub policy: Policy,
    /// Who asked for the deployment.
    pub requested_by: String,
    /// What is deployed.
    pub application: String,
    /// Which version of it.
    pub version: String,
}

/// Somebody who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Who they are.
    pub person: Person,
    /// A machine, not a person.
    pub is_service: bool,
}

/// What somebody says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Who.
    pub caller: Caller,
    /// Kept byte by byte.
    pub comment: String,
    /// The beginning of the digest of the plan that they looked at; empty when they did not say.
    pub plan: String,
}

/// What is asked of an approval.
#[derive(Debug, Clone)]
pub enum Command {
    /// Ask for approval of this.
    Open(Subject),
    /// What was asked about is not what would be done any more.
    Close {
        /// Which plan.
        revision: u32,
        /// Why, as a sentence.
        reason: String,
        /// The deployment is over: nobody is asked any more, and what was approved was.
        is_over: bool,
    },
    /// Yes.
    Approve(Word),
    /// No.
    Reject(Word),
}

/// What happens to an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody has to say yes to exactly this.
    Opened {
        /// Counts up from 1.
        round: u32,
        /// To what.
        subject: Subject,
    },
    /// A person said yes.
    Approved {
        /// To what.
        about: About,
        /// Who.
        by: Person,
        /// As it was written.
        comment: String,
    },
    /// A person said no.
    Rejected {
        /// To what.
        about: About,
        /// Who.
        by: Person,
        /// As it was written.
        comment: String,
        /// Those of the policy that they spoke for.
        spoke_for: Vec<Who>,
        /// The round in which it was said, when a new plan took the place of a rejected one.
        carried_from: Option<u32>,
    },
    /// The policy is satisfied.
    Reached {
        /// By what.
        about: About,
        /// Who approved, in order.
        approvers: Vec<String>,
    },
    /// The round counts for nothing any more.
    Stale {
        /// Which.
        about: About,
        /// Why, as a sentence.
        reason: String,
    },
}

/// Which round, and about what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The deployment.
    pub deployment: Uuid,
    /// Its stage.
    pub stage: String,
    /// The round.
    pub round: u32,
    /// Which plan of the stage.
    pub revision: u32,
    /// Exactly what would be done.
    pub plan: Digest,
}

/// The last round, if anybody was ever asked.
pub type State = Option<Box<Round>>;

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Nobody is asked.
    #[error("nobody is asked for approval here")]
    NobodyIsAsked,
    /// What was asked about is not what would be done.
    #[error("round {round} is stale: {reason}")]
    IsStale {
        /// Which.
        round: u32,
        /// Why.
        reason: String,
    },
    /// Machines approve nothing.
    #[error("`{0}` is a service, and only persons approve or reject")]
    IsService(String),
    /// Whoever asked for it cannot approve it.
    #[error("`{0}` asked for this deployment, and so cannot approve it")]
    AskedForIt(String),
    /// The policy names neither them nor a group of theirs.
    #[error("`{name}` is none of those who are asked: {policy}")]
    NotAsked {
        /// Who.
        name: String,
        /// Who is asked.
        policy: String,
    },
    /// They looked at another plan.
    #[error("the plan that is asked about is {asked}, not {seen}")]
    OtherPlan {
        /// The plan.
        asked: String,
        /// What they looked at.
        seen: String,
    },
    /// It is decided.
    #[error("round {0} is approved already")]
    IsApproved(u32),
    /// It is decided.
    #[error("round {0} is rejected already")]
    IsRejected(u32),
    /// Only who rejected may open it again.
    #[error("{by} rejected it, and only somebody of {spoke_for} can open a fresh round")]
    OthersRejected {
        /// Who.
        by: String,
        /// For whom.
        spoke_for: String,
    },
}

/// Decides approvals.
#[derive(Debug)]
pub struct Approval;

impl Decider for Approval {
    const KIND: &'static str = "approval";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Open(subject) => Ok(decide::open(state.as_deref(), subject)),
            Command::Close {
                revision,
                reason,
                is_over,
            } => Ok(decide::close(state.as_deref(), *revision, reason, *is_over)),
            Command::Approve(word) => decide::approve(state.as_deref(), word),
            Command::Reject(word) => decide::reject(state.as_deref(), word),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        if let Event::Opened { round, subject } = event {
            return Some(Box::new(Round {
                number: *round,
                subject: subject.clone(),
                yes: Vec::new(),
                standing: Standing::Open,
            }));
        }
        let mut round = state?;
        match event {
            Event::Opened { .. } => {}
            Event::Approved { by, comment, .. } => round.yes.push(Vote {
                by: by.clone(),
                comment: comment.clone(),
            }),
            Event::Rejected {
                by,
                comment,
                spoke_for,
                ..
            } => {
                let vote = Vote {
                    by: by.clone(),
                    comment: comment.clone(),
                };
                let spoke_for = spoke_for.clone();
                round.standing = Standing::Rejected { vote, spoke_for };
            }
            Event::Reached { .. } => round.standing = Standing::Reached,
            Event::Stale { reason, .. } => {
                round.standing = Standing::Stale {
                    reason: reason.clone(),
                };
            }
        }
        Some(round)
    }
}

#[cfg(test)]
mod tests;
