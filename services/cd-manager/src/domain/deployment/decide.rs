//! What follows when a command meets a deployment that exists.

use ids::{Digest, Oid, Uuid};

use super::super::order::Rule;
use super::evolve::evolve;
use super::review;
use super::state::{Deployment, End, Place, Step};
use super::{Command, Event, Rejection};

pub(super) fn decide(deployment: &Deployment, command: &Command) -> Result<Vec<Event>, Rejection> {
    let at = |environment: &String| {
        deployment
            .place(environment)
            .ok_or_else(|| Rejection::NoSuchEnvironment(environment.clone()))
    };
    match command {
        Command::Create(_) => Ok(vec![]),
        Command::RequestPromotion {
            environment,
            since,
            plan,
        } => request(deployment, at(environment)?, since.as_ref(), plan.as_ref()),
        Command::Ask(_) | Command::RecordStale { .. } | Command::RecordVerdict { .. } => {
            review::decide(deployment, command)
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
    plan: Option<&Digest>,
) -> Result<Vec<Event>, Rejection> {
    if deployment.end.is_some() {
        return Err(Rejection::Over(deployment.state_word()));
    }
    if place.step != Step::Waiting {
        return Ok(vec![]);
    }
    let approved = deployment
        .asked(&place.stage)
        .map(|asked| &asked.plan.digest);
    if !deployment.may_write(&place.stage) || approved != plan {
        return Err(Rejection::NotApproved(place.stage.clone()));
    }
    Ok(vec![Event::PromotionRequested {
        stage: place.stage.clone(),
        environment: place.environment.clone(),
        attempt: place.attempt,
        since: since.cloned(),
        plan: plan.cloned(),
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
    let may = matches!(
        place.step,
        Step::Waiting | Step::Refused { .. } | Step::Rejected
    );
    if deployment.end.is_some() || !may {
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
