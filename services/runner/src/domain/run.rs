//! A run: one deployment applied to one environment, once per attempt.

use decider::Decider;
use ids::{Digest, Oid, Uuid, Version};

/// What a run applies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The deployment.
    pub deployment: Uuid,
    /// The environment.
    pub environment: String,
    /// The application.
    pub application: String,
    /// The version.
    pub version: Version,
    /// The image.
    pub digest: Digest,
    /// The commit in the manifests repository.
    pub manifest_commit: Oid,
    /// The target's word, such as PROCESS.
    pub target: String,
    /// Which try of the deployment in this environment.
    pub attempt: u32,
}

/// What is asked of a run.
#[derive(Debug, Clone)]
pub enum Command {
    /// Take it up.
    Start(Subject),
    /// The target runs it.
    Succeed {
        /// Where it answers.
        url: String,
        /// What the target said.
        message: String,
    },
    /// The target said no.
    Fail {
        /// What it said.
        message: String,
        /// The last lines of the application's output.
        output: String,
    },
}

/// What happens to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was taken up.
    Started(Subject),
    /// The target runs it.
    Succeeded {
        /// Where it answers.
        url: String,
        /// What the target said.
        message: String,
    },
    /// The target said no.
    Failed {
        /// What it said.
        message: String,
        /// The last lines of the application's output.
        output: String,
    },
}

/// What is known of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing happened yet.
    #[default]
    Unknown,
    /// It is being applied.
    Running(Subject),
    /// It runs.
    Succeeded {
        /// What.
        subject: Subject,
        /// Where it answers.
        url: String,
    },
    /// It does not.
    Failed {
        /// What.
        subject: Subject,
        /// What the target said.
        message: String,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// It was never started.
    #[error("the run was never started")]
    NotStarted,
}

/// Decides runs.
#[derive(Debug)]
pub struct Run;

impl Decider for Run {
    const KIND: &'static str = "run";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Rejection> {
        match (state, command) {
            (State::Unknown, Command::Start(subject)) => Ok(vec![Event::Started(subject.clone())]),
            (State::Unknown, Command::Succeed { .. } | Command::Fail { .. }) => {
                Err(Rejection::NotStarted)
            }
            (State::Running(_), Command::Succeed { url, message }) => Ok(vec![Event::Succeeded {
                url: url.clone(),
                message: message.clone(),
            }]),
            (State::Running(_), Command::Fail { message, output }) => Ok(vec![Event::Failed {
                message: message.clone(),
                output: output.clone(),
            }]),
            // What ended stays ended: a repeated or late answer changes nothing.
            (State::Running(_) | State::Succeeded { .. } | State::Failed { .. }, _) => Ok(vec![]),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (_, Event::Started(subject)) => State::Running(subject.clone()),
            (State::Running(subject), Event::Succeeded { url, .. }) => State::Succeeded {
                subject,
                url: url.clone(),
            },
            (State::Running(subject), Event::Failed { message, .. }) => State::Failed {
                subject,
                message: message.clone(),
            },
            (state, Event::Succeeded { .. } | Event::Failed { .. }) => state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decider::given;

    #[test]
    fn a_run_ends_once() {
        let subject = Subject {
            deployment: Uuid::from_u128(1),
            environment: "dev".into(),
            application: "api".into(),
            version: Version::parse("v1").unwrap(),
            digest: Digest::of(b""),
            manifest_commit: Oid::parse(&"a".repeat(40)).unwrap(),
            target: "PROCESS".into(),
            attempt: 0,
        };
        let succeed = Command::Succeed {
            url: "http://x".into(),
            message: String::new(),
        };
        let fail = Command::Fail {
            message: "500".into(),
            output: String::new(),
        };
        given::<Run>([])
            .refuses(&succeed, &Rejection::NotStarted)
            .then(
                &Command::Start(subject.clone()),
                &[Event::Started(subject.clone())],
            )
            .then(&Command::Start(subject), &[])
            .then(
                &fail,
                &[Event::Failed {
                    message: "500".into(),
                    output: String::new(),
                }],
            )
            .then(&succeed, &[])
            .then(&fail, &[]);
    }
}
