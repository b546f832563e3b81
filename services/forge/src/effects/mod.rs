//! What this role does: looks at pull requests, puts labels on, takes its own off.

pub(crate) mod look;
mod reconcile;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use eventlog::process::{Described, Perform, Process, Reaction, Retry};
use eventlog::{Position, ReadError, Stored, UnknownEvent};
use ids::{AggregateId, RepositoryName, Uuid, derive};
use service::Troubles;

use crate::domain::pull_request::Key;
use crate::process::{Due, World};
use crate::{Inner, wire};

/// Folds the log for the process runner, and shares what it knows with readers.
pub(crate) struct Reactor(pub(crate) Arc<Inner>);

/// Something to do about GitHub.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// Bring one pull request to what it should be.
    Reconcile(Due),
    /// Look at all open ones of a repository.
    Look(RepositoryName),
}

impl Process for Reactor {
    type Effect = Effect;

    fn observe(&mut self, stored: &Stored) -> Result<(), ReadError> {
        self.0.world.observe(&wire::facts(stored)?, World::observe);
        Ok(())
    }

    fn set_aside(&mut self, aggregate: &AggregateId, why: &UnknownEvent) {
        let world = &self.0.world;
        world.change(|world| world.set_aside(aggregate, why.to_string()));
    }

    fn passed(&mut self, position: Position) {
        self.0.world.passed(position);
    }

    fn describe(&self, effect: &Effect) -> Described {
        let (name, because_of) = match effect {
            Effect::Reconcile(due) => ("reconcile", vec![due.id]),
            Effect::Look(_) => ("look", vec![]),
        };
        Described {
            role: crate::ROLE,
            name,
            because_of,
        }
    }

    fn react(&mut self, now_us: i64) -> Reaction<Effect> {
        // What was heard of a GitHub that is configured no more waits until it is again.
        let Some(github) = &self.0.github else {
            self.0.troubles.keep([]);
            return Reaction {
                effects: vec![],
                wake_at_us: None,
            };
        };
        let world = self.0.world();
        let due: Vec<_> = world.due().collect();
        let here = world.repositories();
        let here = here.filter(|it| it.host() == github.host());
        let (looks, wake_at_us) = self.0.looks.due(here, now_us);
        let asked = due.iter().map(|it| About::PullRequest(it.key.clone()));
        let asked = asked.chain(looks.iter().cloned().map(About::Repository));
        self.0.troubles.keep(asked);
        let reconcile = |it: Due| {
            let id = derive::effect(it.id, "", "reconcile", 0);
            (id, Effect::Reconcile(it))
        };
        let look = |it: RepositoryName| {
            let id = derive::id("look", &[it.host(), it.path()]);
            (id, Effect::Look(it))
        };
        let due = due.into_iter().map(reconcile);
        let effects = due.chain(looks.into_iter().map(look)).collect();
        Reaction {
            effects,
            wake_at_us,
        }
    }
}

/// What does not work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum About {
    /// A pull request, which people see best.
    PullRequest(Key),
    /// The look at all open ones of a repository.
    Repository(RepositoryName),
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PullRequest(key) => write!(f, "{}#{}", key.repository, key.number),
            Self::Repository(name) => write!(f, "open pull requests of {name}"),
        }
    }
}

/// What does not work at the moment: each reason once, under the first that has it.
pub(crate) fn told(troubles: &Troubles<About>) -> Vec<(String, String)> {
    let named = |(about, count, why): (About, usize, String)| {
        let name = about.to_string();
        match count {
            1 => (name, why),
            _ => (format!("{name} and {} more", count - 1), why),
        }
    };
    troubles.by_reason().into_iter().map(named).collect()
}

/// Looks and acts.
pub(crate) struct Performer(pub(crate) Arc<Inner>);

#[async_trait]
impl Perform<Effect> for Performer {
    async fn perform(&self, _: Uuid, effect: Effect) -> Result<(), Retry> {
        let (about, result) = match effect {
            Effect::Reconcile(due) => {
                let result = self.0.reconcile(&due).await;
                (About::PullRequest(due.key), result)
            }
            Effect::Look(repository) => {
                let result = self.0.look(&repository).await;
                (About::Repository(repository), result)
            }
        };
        self.0.troubles.note(about, &result);
        result
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key(number: u64) -> About {
        let repository = RepositoryName::parse("github.com/acme/api").unwrap();
        About::PullRequest(Key { repository, number })
    }

    #[test]
    fn a_reason_is_told_once_while_its_pull_requests_are_due() {
        let troubles = Troubles::default();
        let failed = |why: &str| {
            Err(Retry {
                after: Duration::from_secs(1),
                why: why.to_owned(),
            })
        };
        for number in [1, 2, 3] {
            troubles.note(key(number), &failed("no answer"));
        }
        troubles.note(key(4), &failed("not found"));
        let all = told(&troubles);
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!(all[0].0, "github.com/acme/api#1 and 2 more");
        troubles.note(key(4), &Ok(()));
        troubles.keep([key(2)]);
        assert_eq!(
            told(&troubles),
            [("github.com/acme/api#2".to_owned(), "no answer".to_owned())]
        );
    }
}
