//! What an event makes of a deployment that exists.

use ids::Oid;

use super::Event;
use super::review;
use super::state::{Deployment, Step};

pub(super) fn evolve(deployment: &mut Deployment, event: &Event) {
    match event {
        Event::Created(_) | Event::StageSucceeded { .. } => {}
        Event::StageReady(_)
        | Event::StageApproved { .. }
        | Event::StageStale { .. }
        | Event::StageReopened { .. }
        | Event::StageRejected { .. } => review::evolve(deployment, event),
        Event::PromotionRequested {
            environment,
            since,
            plan,
            ..
        } => {
            let (since, plan) = (since.clone(), plan.clone());
            set(deployment, environment, Step::Requested { since, plan });
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
