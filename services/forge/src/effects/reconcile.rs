//! Looks at one pull request, records what follows, and does what was recorded: GitHub is asked
//! first, whatever was heard, and an intention is in the log before anything is done about it.

use std::fmt;
use std::time::Duration;

use eventlog::process::Retry;

use crate::Inner;
use crate::domain::label::Label;
use crate::domain::pull_request::{Command, State, Status};
use crate::github::GitHub;
use crate::process::Due;

/// The first pause when GitHub does not do what it is asked for.
const PAUSE: Duration = Duration::from_millis(250);

/// The first pause for one that is not there, or that the token may not see.
const ABSENT: Duration = Duration::from_secs(15);

impl Inner {
    /// Brings one pull request to what its title and its people say.
    pub(super) async fn reconcile(&self, due: &Due) -> Result<(), Retry> {
        let Some(github) = &self.github else {
            return Ok(());
        };
        let known = self.pull_requests.load(due.id).await;
        let known = known.map_err(|error| retry(&error))?.state;
        if !known.is_due() {
            return Ok(());
        }
        let key = &due.key;
        if key.repository.host() != github.host() {
            let (host, now) = (key.repository.host(), github.host());
            return Err(retry(&format!("it is on {host}, and {now} is configured")));
        }
        let (path, number) = (key.repository.path(), key.number);
        let found = github.pull(path, number).await.map_err(|error| Retry {
            after: if error.is_absent() { ABSENT } else { PAUSE },
            why: error.to_string(),
        })?;
        let found = found.found(known.heard);
        let derived = derived(&found.observed.title);
        let command = Command::Observe {
            observed: found.observed,
            derived,
            merge: found.merge,
        };
        let state = self.record(due, &command).await?;
        if state.status != Status::Open {
            return Ok(());
        }
        self.change(github, due, &state).await
    }

    /// Does what is asked for. The old label goes first: two at once would say the higher one.
    async fn change(&self, github: &GitHub, due: &Due, state: &State) -> Result<(), Retry> {
        let (path, number) = (due.key.repository.path(), due.key.number);
        for label in &state.removing {
            let removed = github.remove_label(path, number, *label).await;
            removed.map_err(|error| retry(&error))?;
            self.record(due, &Command::Removed(*label)).await?;
        }
        if let Some(label) = state.adding {
            let added = github.add_label(path, number, label).await;
            added.map_err(|error| retry(&error))?;
            self.record(due, &Command::Applied(label)).await?;
        }
        Ok(())
    }

    async fn record(&self, due: &Due, command: &Command) -> Result<State, Retry> {
        let context = self.context(due.id);
        let done = self.pull_requests.execute(due.id, &context, command).await;
        done.map(|it| it.state).map_err(|error| retry(&error))
    }
}

/// The label that a title asks for.
pub(super) fn derived(title: &str) -> Option<Label> {
    let derived = versioning::label::derive(title).ok();
    derived.and_then(|it| it.label).and_then(Label::parse)
}

fn retry(why: &impl fmt::Display) -> Retry {
    Retry {
        after: PAUSE,
        why: why.to_string(),
    }
}
