//! A deployment: one version on its way to one application's environments. Knows how far it is
//! everywhere; whose turn it is in a place is the slot's business.

mod decide;
mod evolve;
mod review;
mod state;

use decider::Decider;
use ids::{Digest, Oid, Uuid};

pub use self::review::{Asked, Review, Verdict};
pub use self::state::{Created, Deployment, End, Place, Step};
use super::order::Rule;
use super::plan::Plan;

/// A deployment, or nothing yet.
pub type State = Option<Box<Deployment>>;

/// What is asked of a deployment.
#[derive(Debug, Clone)]
pub enum Command {
    /// Open it.
    Create(Created),
    /// From now on the commit may exist.
    RequestPromotion {
        /// Where.
        environment: String,
        /// The branch's tip now.
        since: Option<Oid>,
        /// The approved plan that the commit has to agree with.
        plan: Option<Digest>,
    },
    /// The stage at hand asks for approval: this is what would be done.
    Ask(Plan),
    /// What would be done is not what was planned.
    RecordStale {
        /// The stage.
        stage: String,
        /// Which plan of it.
        revision: u32,
        /// Where its commit was just refused, if it was.
        environment: Option<String>,
        /// The file that differs.
        file: String,
        /// The first field in it; empty when only comments or layout differ.
        field: String,
    },
    /// What those who were asked said.
    RecordVerdict {
        /// The stage.
        stage: String,
        /// Which plan of it.
        revision: u32,
        /// In which round.
        round: u32,
        /// What.
        verdict: Verdict,
    },
    /// The manifest holds the version.
    RecordCommit {
        /// Where.
        environment: String,
        /// The commit.
        commit: Oid,
        /// The file.
        file: String,
        /// It stood there already.
        already: bool,
    },
    /// The manifest cannot be changed.
    RecordRefusal {
        /// Where.
        environment: String,
        /// A stable code.
        code: String,
        /// What, where, why.
        message: String,
    },
    /// The runner finished.
    RecordOutcome {
        /// Where.
        environment: String,
        /// Which run.
        run: Uuid,
        /// Which try the run belonged to.
        attempt: u32,
        /// Where it answers, or what the target said.
        outcome: Result<String, String>,
    },
    /// A newer one took its place somewhere.
    Supersede {
        /// Where.
        environment: String,
        /// Which.
        by: Uuid,
        /// Why it is newer.
        rule: Rule,
    },
    /// Give it up.
    Abort {
        /// Why.
        reason: String,
    },
    /// Its build was reported with other bytes.
    Quarantine {
        /// What happened.
        message: String,
    },
    /// Another deployment took it back.
    RollBack {
        /// Which.
        by: Uuid,
    },
    /// Try again what failed or was refused.
    Retry,
}

/// What happens to a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was opened.
    Created(Created),
    /// From here on the commit may exist.
    PromotionRequested {
        /// The stage.
        stage: String,
        /// Where.
        environment: String,
        /// Which try.
        attempt: u32,
        /// The tip before it.
        since: Option<Oid>,
        /// The approved plan that the commit has to agree with.
        plan: Option<Digest>,
    },
    /// The stage asks for approval of this.
    StageReady(Plan),
    /// What would be done is not what was planned any more.
    StageStale {
        /// The stage.
        stage: String,
        /// Environments that go back to waiting.
        environments: Vec<String>,
        /// Which plan of it.
        revision: u32,
        /// The plan.
        plan: Digest,
        /// The file that differs.
        file: String,
        /// The first field in it; empty when only comments or layout differ.
        field: String,
    },
    /// The quorum over exactly this plan was reached.
    StageApproved {
        /// The stage.
        stage: String,
        /// Which plan of it.
        revision: u32,
        /// The plan.
        plan: Digest,
        /// In which round.
        round: u32,
    },
    /// Somebody who was asked said no.
    StageRejected {
        /// The stage.
        stage: String,
        /// Environments that are halted.
        environments: Vec<String>,
        /// Which plan of it.
        revision: u32,
        /// The plan.
        plan: Digest,
        /// In which round.
        round: u32,
        /// Who.
        by: String,
        /// As it was written.
        comment: String,
        /// Groups and persons they spoke for.
        spoke_for: Vec<String>,
    },
    /// Who had said no said yes.
    StageReopened {
        /// The stage.
        stage: String,
        /// Environments that wait again.
        environments: Vec<String>,
        /// Which plan of it.
        revision: u32,
        /// The plan.
        plan: Digest,
        /// The fresh round.
        round: u32,
    },
    /// The manifest holds the version.
    Committed {
        /// The stage.
        stage: String,
        /// Where.
        environment: String,
        /// The commit.
        commit: Oid,
        /// The file.
        file: String,
        /// It stood there already.
        already: bool,
        /// Which try.
        attempt: u32,
    },
    /// The manifest cannot be changed.
    Refused {
        /// The stage.
        stage: String,
        /// Where.
        environment: String,
        /// A stable code.
        code: String,
        /// What, where, why.
        message: String,
    },
    /// The environment runs it.
    EnvironmentSucceeded {
        /// The stage.
        stage: String,
        /// Where.
        environment: String,
        /// The run.
        run: Uuid,
        /// Where it answers.
        url: String,
    },
    /// The environment does not run it.
    EnvironmentFailed {
        /// The stage.
        stage: String,
        /// Where.
        environment: String,
        /// The run.
        run: Uuid,
        /// What the target said.
        message: String,
    },
    /// A newer one took its place in an environment.
    EnvironmentSuperseded {
        /// The stage.
        stage: String,
        /// Where.
        environment: String,
        /// Which.
        by: Uuid,
        /// Why it is newer.
        rule: Rule,
    },
    /// A stage is done.
    StageSucceeded {
        /// The stage.
        stage: String,
    },
    /// It is over.
    Ended(End),
    /// A person asked to try again.
    Retried {
        /// Where.
        environment: String,
        /// Which try comes now.
        attempt: u32,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such deployment.
    #[error("there is no such deployment")]
    Unknown,
    /// It does not go to that environment.
    #[error("it does not go to environment `{0}`")]
    NoSuchEnvironment(String),
    /// It is over.
    #[error("it is {0}, which is final")]
    Over(&'static str),
    /// The commit was requested; it runs to its end.
    #[error("its commit to `{0}` has been requested: it runs to its end")]
    Underway(String),
    /// Nobody, or not enough, said yes to what would be done.
    #[error("stage `{0}` is not approved as it stands")]
    NotApproved(String),
    /// Nothing failed.
    #[error("it is {0}: nothing failed or was refused")]
    NothingToRetry(&'static str),
}

/// Decides deployments.
#[derive(Debug)]
pub struct Decisions;

impl Decider for Decisions {
    const KIND: &'static str = "deployment";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Rejection> {
        match (state, command) {
            (None, Command::Create(created)) => Ok(vec![Event::Created(created.clone())]),
            (Some(_), Command::Create(_)) => Ok(vec![]),
            (None, _) => Err(Rejection::Unknown),
            (Some(deployment), command) => decide::decide(deployment, command),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (_, Event::Created(created)) => {
                let places = created.stages.iter().flat_map(|stage| {
                    stage.environments.iter().map(|environment| Place {
                        stage: stage.id.clone(),
                        environment: environment.clone(),
                        attempt: 0,
                        step: Step::Waiting,
                    })
                });
                Some(Box::new(Deployment {
                    created: created.clone(),
                    places: places.collect(),
                    asked: Vec::new(),
                    end: None,
                }))
            }
            (Some(mut deployment), event) => {
                evolve::evolve(&mut deployment, event);
                Some(deployment)
            }
            (None, _) => None,
        }
    }
}

#[cfg(test)]
mod tests;
