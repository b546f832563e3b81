//! Looks at all open pull requests of a repository now and then: a webhook may be lost, and then
//! costs time and no label.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use eventlog::process::Retry;
use ids::RepositoryName;

use super::reconcile::derived;
use crate::Inner;
use crate::domain::pull_request::{Command, Delivery, Key, LOOKED};
use crate::github::Listed;

/// The first pause after a look that did not work.
const PAUSE: Duration = Duration::from_secs(5);

/// What was changed so recently may be told by a webhook, which also says who did it.
const FRESH_US: i64 = 60 * 1_000_000;

/// How long after a start, or after the first webhook of a repository: what was told goes first.
const SETTLE_US: i64 = 2 * 1_000_000;

/// When each repository is looked at again, in microseconds UTC. Known to this process only: after
/// a start everything is looked at once.
#[derive(Debug, Default)]
pub(crate) struct Looks(Mutex<BTreeMap<RepositoryName, i64>>);

impl Looks {
    /// The repositories to look at now, and when the next one is due.
    pub(crate) fn due<'a>(
        &self,
        repositories: impl Iterator<Item = &'a RepositoryName>,
        now_us: i64,
    ) -> (Vec<RepositoryName>, Option<i64>) {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut due, mut later) = (Vec::new(), Vec::new());
        for it in repositories {
            if !next.contains_key(it) {
                next.insert(it.clone(), now_us.saturating_add(SETTLE_US));
            }
            match next.get(it) {
                Some(at) if *at > now_us => later.push(*at),
                Some(_) | None => due.push(it.clone()),
            }
        }
        (due, later.into_iter().min())
    }

    /// It was looked at; the next time is this.
    fn done(&self, repository: &RepositoryName, next_us: i64) {
        let mut next = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        next.insert(repository.clone(), next_us);
    }
}

impl Inner {
    /// Hears of every pull request that differs from what is known of it.
    pub(super) async fn look(&self, repository: &RepositoryName) -> Result<(), Retry> {
        let Some(github) = &self.github else {
            return Ok(());
        };
        let open = github.open_pulls(repository.path()).await;
        let now_us = self.deps.clock.now_us();
        match open {
            Ok(open) => {
                for number in self.missed(repository, &open, now_us) {
                    self.hear_of(repository, number).await?;
                }
            }
            // It was removed or renamed: there is nothing to look at, now and in a minute.
            Err(error) if error.is_absent() => {
                tracing::info!("{repository} is not looked at: {error}");
            }
            Err(error) => return Err(retry(&error)),
        }
        let every = i64::try_from(github.connection().look_every.as_micros());
        let next = now_us.saturating_add(every.unwrap_or(i64::MAX));
        self.looks.done(repository, next);
        Ok(())
    }

    /// Numbers of those that a webhook should have told of. One that is taken for open and is not
    /// among these was closed or merged.
    fn missed(&self, repository: &RepositoryName, open: &Listed, now_us: i64) -> BTreeSet<u64> {
        let world = self.world();
        let mut gone: BTreeSet<u64> = world.open_of(repository).collect();
        let mut missed = BTreeSet::new();
        for it in &open.pulls {
            gone.remove(&it.number);
            let age = now_us.saturating_sub(it.updated_at_us());
            if (0..FRESH_US).contains(&age) {
                continue;
            }
            let key = Key {
                repository: repository.clone(),
                number: it.number,
            };
            let seen = it.found(0).observed;
            if world.is_news(&key, &seen, derived(&seen.title)) {
                missed.insert(it.number);
            }
        }
        if open.is_whole {
            missed.extend(gone);
        }
        missed
    }

    async fn hear_of(&self, repository: &RepositoryName, number: u64) -> Result<(), Retry> {
        let key = Key {
            repository: repository.clone(),
            number,
        };
        let found = Delivery {
            id: String::new(),
            action: LOOKED.to_owned(),
            sender: String::new(),
            touched: None,
            merge: None,
        };
        let (id, context) = (key.id(), self.context(key.id()));
        let command = Command::Hear(key, found);
        let done = self.pull_requests.execute(id, &context, &command).await;
        done.map(drop).map_err(|error| retry(&error))
    }
}

fn retry(why: &impl fmt::Display) -> Retry {
    Retry {
        after: PAUSE,
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_repository_is_due_soon_after_the_start_and_then_when_it_is_said() {
        let looks = Looks::default();
        let both = ["github.com/acme/api", "github.com/acme/web"]
            .map(|it| RepositoryName::parse(it).unwrap());
        let due = |now_us: i64| looks.due(both.iter(), now_us);
        assert_eq!(due(1), (vec![], Some(1 + SETTLE_US)));
        assert_eq!(due(SETTLE_US), (vec![], Some(1 + SETTLE_US)));
        assert_eq!(due(1 + SETTLE_US), (both.to_vec(), None));
        assert_eq!(due(2 + SETTLE_US).0, both, "until it is done");
        looks.done(&both[0], 9 * SETTLE_US);
        assert_eq!(
            due(2 + SETTLE_US),
            (vec![both[1].clone()], Some(9 * SETTLE_US))
        );
        looks.done(&both[1], 8 * SETTLE_US);
        assert_eq!(due(2 + SETTLE_US), (vec![], Some(8 * SETTLE_US)));
    }
}
