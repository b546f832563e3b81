//! A deployment: one version on its way to one application's environments. Knows how far it is
//! everywhere; whose turn it is in a place is the slot's business.

use decider::Decider;
use ids::{Digest, Oid, Uuid, Version};

use super::build::Report;
use super::order::Rule;
use super::slot::Candidate;
use super::track::{Destination, Kind, Stage};

/// What a deployment is made of; never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The build it carries.
    pub build: Uuid,
    /// The application.
    pub application: String,
    /// Its application set.
    pub application_set: String,
    /// The snapshotted track; empty for what a person asked for.
    pub track: String,
    /// Why it exists.
    pub kind: Kind,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// The build definition.
    pub definition: String,
    /// The container.
    pub container: String,
    /// What it brings.
    pub version: Version,
    /// The image.
    pub digest: Digest,
    /// Registries that hold the image.
    pub registries: Vec<String>,
    /// The source commit.
    pub commit: Option<Oid>,
    /// CI's run number.
    pub ci_run: Option<u64>,
    /// Log position of the build's report.
    pub reported_at: u64,
    /// Why a person asked for it; empty when nobody did.
    pub reason: String,
}

impl Created {
    /// What a routed build becomes.
    pub fn routed(build: Uuid, report: &Report, to: &Destination, reported_at: u64) -> Self {
        Self {
            build,
            application: to.application.clone(),
            application_set: to.application_set.clone(),
            track: to.track.clone(),
            kind: to.kind,
            stages: to.stages.clone(),
            definition: report.definition.clone(),
            container: report.container.clone(),
            version: report.version.clone(),
            digest: report.digest.clone(),
            registries: report.registries.clone(),
            commit: report.commit.clone(),
            ci_run: report.ci_run,
            reported_at,
            reason: String::new(),
        }
    }

    /// What the deployment `id` is to a slot.
    pub fn candidate(&self, id: Uuid) -> Candidate {
        Candidate {
            deployment: id,
            version: self.version.clone(),
            digest: self.digest.clone(),
            commit: self.commit.clone(),
            ci_run: self.ci_run,
            reported_at: self.reported_at,
        }
    }
}

/// Where it is in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The stage's id.
    pub stage: String,
    /// The environment.
    pub environment: String,
    /// How often it was tried, from 0.
    pub attempt: u32,
    /// How far it is.
    pub step: Step,
}

/// How far a deployment is in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing was written.
    Waiting,
    /// The commit was requested and may exist.
    Requested {
        /// The tip before it.
        since: Option<Oid>,
    },
    /// The manifest holds the version.
    Committed {
        /// The commit.
        commit: Oid,
    },
    /// The manifest cannot be changed as it stands.
    Refused {
        /// A stable code.
        code: String,
        /// What, where, why.
        message: String,
    },
    /// The environment runs it.
    Succeeded {
        /// The commit that wrote it.
        commit: Oid,
        /// Where it answers.
        url: String,
    },
    /// The environment does not run it.
    Failed {
        /// The commit that wrote it.
        commit: Oid,
        /// What the target said.
        message: String,
    },
    /// A newer one took its place here.
    Superseded {
        /// Which.
        by: Uuid,
        /// Why it is newer.
        rule: Rule,
    },
}

impl Step {
    /// The word in answers.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Requested { .. } => "COMMITTING",
            Self::Committed { .. } => "RECONCILING",
            Self::Refused { .. } => "HALTED",
            Self::Succeeded { .. } => "SUCCESS",
            Self::Failed { .. } => "FAILED",
            Self::Superseded { .. } => "SUPERSEDED",
        }
    }

    fn is_requested(&self) -> bool {
        matches!(self, Self::Requested { .. })
    }

    fn is_done(&self) -> bool {
        matches!(self, Self::Succeeded { .. } | Self::Superseded { .. })
    }
}

/// How a deployment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Every environment runs it.
    Success,
    /// The target or a check said no.
    Failed {
        /// Where.
        environment: String,
        /// What it said.
        message: String,
    },
    /// A newer one took its place.
    Superseded {
        /// Which.
        by: Uuid,
        /// Why it is newer.
        rule: Rule,
    },
    /// Somebody gave it up.
    Aborted {
        /// Why.
        reason: String,
    },
    /// Its build was reported with other bytes.
    Quarantined {
        /// What happened.
        message: String,
    },
    /// It succeeded and was taken back later.
    RolledBack {
        /// By which deployment.
        by: Uuid,
    },
}

/// A deployment that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// What it is made of.
    pub created: Created,
    /// Every environment of every stage, in order.
    pub places: Vec<Place>,
    /// How it ended, if it did.
    pub end: Option<End>,
}

impl Deployment {
    /// The places of the first stage that is not done.
    pub fn stage_at_hand(&self) -> &[Place] {
        let Some(first) = self.places.iter().position(|it| !it.step.is_done()) else {
            return &[];
        };
        let stage = &self.places[first].stage;
        let begin = self
            .places
            .iter()
            .position(|it| &it.stage == stage)
            .unwrap_or(first);
        let end = self
            .places
            .iter()
            .rposition(|it| &it.stage == stage)
            .unwrap_or(first);
        &self.places[begin..=end]
    }

    /// The place in an environment of a stage.
    pub fn place(&self, environment: &str) -> Option<&Place> {
        self.places.iter().find(|it| it.environment == environment)
    }

    /// The word for its state in lists.
    pub fn state_word(&self) -> &'static str {
        match &self.end {
            Some(End::Success) => "SUCCESS",
            Some(End::Failed { .. }) => "FAILED",
            Some(End::Superseded { .. }) => "SUPERSEDED",
            Some(End::Aborted { .. }) => "ABORTED",
            Some(End::Quarantined { .. }) => "QUARANTINED",
            Some(End::RolledBack { .. }) => "ROLLED_BACK",
            None => {
                let any = |f: fn(&Step) -> bool| self.places.iter().any(|it| f(&it.step));
                if any(|it| matches!(it, Step::Refused { .. })) {
                    "HALTED"
                } else if any(|it| matches!(it, Step::Requested { .. } | Step::Committed { .. })) {
                    "IN_PROGRESS"
                } else if any(Step::is_done) {
                    "WAITING"
                } else {
                    "PENDING"
                }
            }
        }
    }

    fn is_untouched(&self) -> bool {
        self.places.iter().all(|it| {
            matches!(
                it.step,
                Step::Waiting | Step::Refused { .. } | Step::Superseded { .. }
            )
        })
    }
}

/// A deployment, or nothing yet.
pub type State = Option<Box<Deployment>>;

/// What is asked of a deployment.
#[expect(
    clippy::large_enum_variant,
    reason = "one of many, short-lived; boxing would only hide it"
)]
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
#[expect(
    clippy::large_enum_variant,
    reason = "one of many, short-lived; boxing would only hide it"
)]
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
            (Some(deployment), command) => super::deployment::decide(deployment, command),
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
                    end: None,
                }))
            }
            (Some(mut deployment), event) => {
                evolve(&mut deployment, event);
                Some(deployment)
            }
            (None, _) => None,
        }
    }
}

fn decide(deployment: &Deployment, command: &Command) -> Result<Vec<Event>, Rejection> {
    let at = |environment: &String| {
        deployment
            .place(environment)
            .ok_or_else(|| Rejection::NoSuchEnvironment(environment.clone()))
    };
    match command {
        Command::Create(_) => Ok(vec![]),
        Command::RequestPromotion { environment, since } => {
            request(deployment, at(environment)?, since.as_ref())
        }
        Command::RecordCommit {
            environment,
            commit,
            file,
            already,
        } => {
            let place = at(environment)?;
            let event = Event::Committed {
                stage: place.stage.clone(),
                environment: environment.clone(),
                commit: commit.clone(),
                file: file.clone(),
                already: *already,
                attempt: place.attempt,
            };
            Ok(if place.step.is_requested() {
                vec![event]
            } else {
                vec![]
            })
        }
        Command::RecordRefusal {
            environment,
            code,
            message,
        } => {
            let place = at(environment)?;
            let event = Event::Refused {
                stage: place.stage.clone(),
                environment: environment.clone(),
                code: code.clone(),
                message: message.clone(),
            };
            Ok(if place.step.is_requested() {
                vec![event]
            } else {
                vec![]
            })
        }
        Command::RecordOutcome {
            environment,
            run,
            attempt,
            outcome,
        } => Ok(record_outcome(
            deployment,
            at(environment)?,
            *run,
            *attempt,
            outcome,
        )),
        Command::Supersede {
            environment,
            by,
            rule,
        } => Ok(supersede(deployment, at(environment)?, *by, *rule)),
        Command::Abort { reason } => match &deployment.end {
            Some(End::Aborted { .. }) => Ok(vec![]),
            Some(_) => Err(Rejection::Over(deployment.state_word())),
            None => match underway(deployment) {
                Some(place) => Err(Rejection::Underway(place.environment.clone())),
                None => Ok(vec![Event::Ended(End::Aborted {
                    reason: reason.clone(),
                })]),
            },
        },
        Command::Quarantine { message } => {
            let may = deployment.end.is_none() && deployment.is_untouched();
            Ok(if may {
                vec![Event::Ended(End::Quarantined {
                    message: message.clone(),
                })]
            } else {
                vec![]
            })
        }
        Command::RollBack { by } => Ok(match &deployment.end {
            Some(End::Success) => vec![Event::Ended(End::RolledBack { by: *by })],
            _ => vec![],
        }),
        Command::Retry => retry(deployment),
    }
}

fn underway(deployment: &Deployment) -> Option<&Place> {
    deployment
        .places
        .iter()
        .find(|it| matches!(it.step, Step::Requested { .. } | Step::Committed { .. }))
}

fn request(
    deployment: &Deployment,
    place: &Place,
    since: Option<&Oid>,
) -> Result<Vec<Event>, Rejection> {
    if deployment.end.is_some() {
        return Err(Rejection::Over(deployment.state_word()));
    }
    if place.step != Step::Waiting {
        return Ok(vec![]);
    }
    Ok(vec![Event::PromotionRequested {
        stage: place.stage.clone(),
        environment: place.environment.clone(),
        attempt: place.attempt,
        since: since.cloned(),
    }])
}

fn record_outcome(
    deployment: &Deployment,
    place: &Place,
    run: Uuid,
    attempt: u32,
    outcome: &Result<String, String>,
) -> Vec<Event> {
    if !matches!(place.step, Step::Committed { .. }) || place.attempt != attempt {
        return vec![];
    }
    let (stage, environment) = (place.stage.clone(), place.environment.clone());
    match outcome {
        Ok(url) => {
            let (url, at) = (url.clone(), stage.clone());
            let event = Event::EnvironmentSucceeded {
                stage,
                environment,
                run,
                url,
            };
            with_what_follows(deployment, at, event)
        }
        Err(message) => vec![
            Event::EnvironmentFailed {
                stage,
                environment: environment.clone(),
                run,
                message: message.clone(),
            },
            Event::Ended(End::Failed {
                environment,
                message: message.clone(),
            }),
        ],
    }
}

fn supersede(deployment: &Deployment, place: &Place, by: Uuid, rule: Rule) -> Vec<Event> {
    if deployment.end.is_some() || !matches!(place.step, Step::Waiting | Step::Refused { .. }) {
        return vec![];
    }
    let (stage, environment) = (place.stage.clone(), place.environment.clone());
    let event = Event::EnvironmentSuperseded {
        stage: stage.clone(),
        environment,
        by,
        rule,
    };
    with_what_follows(deployment, stage, event)
}

/// Adds the end of the stage and of the deployment when `event` completes them, so that they are
/// one commit. Superseded in one place means: it goes nowhere further.
fn with_what_follows(deployment: &Deployment, stage: String, event: Event) -> Vec<Event> {
    let mut after = deployment.clone();
    evolve(&mut after, &event);
    let mut events = vec![event];
    let in_stage = || after.places.iter().filter(|it| it.stage == stage);
    if !in_stage().all(|it| it.step.is_done()) {
        return events;
    }
    let superseded = in_stage().find_map(|it| {
        if let Step::Superseded { by, rule } = &it.step {
            Some((*by, *rule))
        } else {
            None
        }
    });
    if let Some((by, rule)) = superseded {
        events.push(Event::Ended(End::Superseded { by, rule }));
        return events;
    }
    events.push(Event::StageSucceeded { stage });
    if after.places.iter().all(|it| it.step.is_done()) {
        events.push(Event::Ended(End::Success));
    }
    events
}

fn retry(deployment: &Deployment) -> Result<Vec<Event>, Rejection> {
    match &deployment.end {
        None | Some(End::Failed { .. }) => {}
        Some(_) => return Err(Rejection::Over(deployment.state_word())),
    }
    let again: Vec<Event> = deployment
        .places
        .iter()
        .filter(|it| matches!(it.step, Step::Refused { .. } | Step::Failed { .. }))
        .map(|it| Event::Retried {
            environment: it.environment.clone(),
            attempt: it.attempt + 1,
        })
        .collect();
    if again.is_empty() {
        Err(Rejection::NothingToRetry(deployment.state_word()))
    } else {
        Ok(again)
    }
}

fn evolve(deployment: &mut Deployment, event: &Event) {
    match event {
        Event::Created(_) | Event::StageSucceeded { .. } => {}
        Event::PromotionRequested {
            environment, since, ..
        } => {
            set(
                deployment,
                environment,
                Step::Requested {
                    since: since.clone(),
                },
            );
        }
        Event::Committed {
            environment,
            commit,
            ..
        } => {
            set(
                deployment,
                environment,
                Step::Committed {
                    commit: commit.clone(),
                },
            );
        }
        Event::Refused {
            environment,
            code,
            message,
            ..
        } => {
            set(
                deployment,
                environment,
                Step::Refused {
                    code: code.clone(),
                    message: message.clone(),
                },
            );
        }
        Event::EnvironmentSucceeded {
            environment, url, ..
        } => {
            settle(deployment, environment, |commit| Step::Succeeded {
                commit,
                url: url.clone(),
            });
        }
        Event::EnvironmentFailed {
            environment,
            message,
            ..
        } => {
            settle(deployment, environment, |commit| Step::Failed {
                commit,
                message: message.clone(),
            });
        }
        Event::EnvironmentSuperseded {
            environment,
            by,
            rule,
            ..
        } => {
            set(
                deployment,
                environment,
                Step::Superseded {
                    by: *by,
                    rule: *rule,
                },
            );
        }
        Event::Ended(end) => deployment.end = Some(end.clone()),
        Event::Retried {
            environment,
            attempt,
        } => {
            deployment.end = None;
            set(deployment, environment, Step::Waiting);
            if let Some(place) = deployment
                .places
                .iter_mut()
                .find(|it| &it.environment == environment)
            {
                place.attempt = *attempt;
            }
        }
    }
}

fn set(deployment: &mut Deployment, environment: &str, step: Step) {
    if let Some(place) = deployment
        .places
        .iter_mut()
        .find(|it| it.environment == environment)
    {
        place.step = step;
    }
}

/// Ends a place that is committed; any other stays as it is.
fn settle(deployment: &mut Deployment, environment: &str, step: impl FnOnce(Oid) -> Step) {
    let committed = deployment.place(environment).and_then(|it| {
        if let Step::Committed { commit } = &it.step {
            Some(commit.clone())
        } else {
            None
        }
    });
    if let Some(commit) = committed {
        set(deployment, environment, step(commit));
    }
}

#[cfg(test)]
mod tests;
