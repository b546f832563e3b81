//! A pull request: whose label is on it, which one its title asks for, and what it had when it was
//! merged.

mod decide;
mod observe;

use std::collections::BTreeSet;

use decider::Decider;
use ids::{Oid, RepositoryName, Uuid, derive};

use super::label::Label;

/// What happened to a pull request that nobody told of and a look found: no delivery has this
/// action.
pub const LOOKED: &str = "looked";

/// Which pull request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The repository that it goes to.
    pub repository: RepositoryName,
    /// Its number there.
    pub number: u64,
}

impl Key {
    /// Its id in the log.
    pub fn id(&self) -> Uuid {
        let (name, number) = (&self.repository, self.number.to_string());
        derive::id("pull-request", &[name.host(), name.path(), &number])
    }
}

/// Where it is in its life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Status {
    /// It may be merged.
    #[default]
    Open,
    /// It was given up, and may be opened again.
    Closed,
    /// It is part of its base.
    Merged,
}

impl Status {
    /// The word in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
            Self::Merged => "MERGED",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Closed, Self::Merged]
            .into_iter()
            .find(|it| it.as_str() == text)
    }
}

/// What a merge made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// Its title.
    pub title: String,
    /// The branch that it went to.
    pub base: String,
    /// The last commit that it brought.
    pub head: String,
    /// The commit that the base got, when the forge said.
    pub commit: Option<Oid>,
    /// Its labels that begin with `release/`.
    pub labels: Vec<String>,
    /// What its body says that breaks; empty when it says nothing.
    pub breaks: String,
    /// When, in microseconds UTC, by the forge's clock.
    pub merged_at_us: i64,
    /// As the forge told it of that moment, not as it was found later.
    pub as_told: bool,
}

/// How it stood when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// How many deliveries had been heard before.
    pub heard: u64,
    /// Its title.
    pub title: String,
    /// Where it is in its life.
    pub status: Status,
    /// The branch that it goes to.
    pub base: String,
    /// The last commit that it brings.
    pub head: String,
    /// Its labels that begin with `release/`.
    pub labels: Vec<String>,
}

impl Observed {
    /// Those of its labels that say how far the next version is.
    pub fn present(&self) -> BTreeSet<Label> {
        self.labels
            .iter()
            .filter_map(|it| Label::parse(it))
            .collect()
    }
}

/// What a delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// What happened.
    pub action: String,
    /// Who did it, as the forge says.
    pub sender: String,
    /// The label that was put on (`true`) or taken off, when it was a person who did.
    pub touched: Option<(Label, bool)>,
    /// The merge that it tells of.
    pub merge: Option<Merge>,
}

/// What is asked of a pull request.
#[derive(Debug, Clone)]
pub enum Command {
    /// Remember that something happened to it.
    Hear(Key, Delivery),
    /// Draw the conclusions from a look.
    Observe {
        /// What was seen.
        observed: Observed,
        /// What the title derives.
        derived: Option<Label>,
        /// The merge, when it is merged.
        merge: Option<Merge>,
    },
    /// A label that was asked for is there.
    Applied(Label),
    /// A label that was to go is gone.
    Removed(Label),
}

/// What happens to a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something happened to it.
    Heard {
        /// Which pull request.
        key: Key,
        /// The id of the delivery.
        delivery: String,
        /// What happened.
        action: String,
        /// Who did it.
        sender: String,
    },
    /// It was looked at.
    Observed(Observed),
    /// Its title asks for a label, or for none.
    Derived {
        /// The title.
        title: String,
        /// The label.
        label: Option<Label>,
    },
    /// A person's labels stand.
    Overridden {
        /// All of them.
        labels: BTreeSet<Label>,
        /// Who set the last one.
        by: String,
    },
    /// A person took Towpath's label off.
    TakenOff {
        /// Which.
        label: Label,
        /// Who.
        by: String,
    },
    /// Labels are about to change.
    ChangeRequested {
        /// To be put on.
        add: Option<Label>,
        /// To be taken off.
        remove: BTreeSet<Label>,
    },
    /// Towpath's label is there.
    Applied(Label),
    /// Towpath's label is gone.
    Removed(Label),
    /// It is merged.
    Merged {
        /// Which pull request.
        key: Key,
        /// What the merge made of it.
        merge: Merge,
    },
}

/// What is known of a pull request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Which one; known from the first delivery on.
    pub key: Option<Key>,
    /// Deliveries so far.
    pub heard: u64,
    /// How many of them were answered by a look.
    pub looked: u64,
    /// Where it is in its life.
    pub status: Status,
    /// What its title asked for when it was last looked at.
    pub derived: Option<Label>,
    /// Whether its title was looked at.
    pub is_read: bool,
    /// Labels on it that Towpath set.
    pub ours: BTreeSet<Label>,
    /// The label that Towpath is putting on.
    pub adding: Option<Label>,
    /// Labels that Towpath is taking off.
    pub removing: BTreeSet<Label>,
    /// Labels on it that people set.
    pub theirs: BTreeSet<Label>,
    /// The label that a person took off, until the title asks for another one.
    pub declined: Option<Label>,
    /// What it had when it was merged.
    pub merged: Option<Merge>,
}

impl State {
    /// Whether somebody has to look at it, or to finish what was begun.
    pub fn is_due(&self) -> bool {
        let is_changing = self.adding.is_some() || !self.removing.is_empty();
        self.key.is_some()
            && self.merged.is_none()
            && (self.heard > self.looked || (is_changing && self.status == Status::Open))
    }
}

impl State {
    /// Whether a look shows something that nobody told of: another label is asked for, others are
    /// there, or it stands otherwise. Of one that is not known, only what asks for a label is.
    pub fn is_news(&self, seen: &Observed, derived: Option<Label>) -> bool {
        if self.merged.is_some() || self.is_due() {
            return false;
        }
        if self.key.is_none() {
            return derived.is_some();
        }
        let known = &self.ours | &self.theirs;
        (self.status, self.derived, self.is_read) != (seen.status, derived, true)
            || known != seen.present()
    }
}

/// Nothing is ever refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {}

/// Decides pull requests.
#[derive(Debug)]
pub struct PullRequests;

impl Decider for PullRequests {
    const KIND: &'static str = "pull-request";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Rejection> {
        Ok(decide::decide(state, command))
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::Heard { key, .. } => {
                state.key = Some(key.clone());
                state.heard += 1;
            }
            Event::Observed(it) => {
                state.looked = it.heard;
                state.status = it.status;
                state.theirs = it.present();
                state.theirs.retain(|it| !state.ours.contains(it));
                // Asked for, so that it may have been put on without anybody saying so.
                if let Some(adding) = state.adding {
                    state.theirs.remove(&adding);
                }
            }
            Event::Derived { label, .. } => {
                if state.declined != *label {
                    state.declined = None;
                }
                state.derived = *label;
                state.is_read = true;
            }
            Event::Overridden { labels, .. } => {
                state.theirs.clone_from(labels);
                state.ours.retain(|it| !labels.contains(it));
                state.removing.retain(|it| !labels.contains(it));
                state.adding = state.adding.filter(|it| !labels.contains(it));
            }
            Event::TakenOff { label, .. } => {
                state.ours.remove(label);
                state.removing.remove(label);
                state.declined = Some(*label);
            }
            Event::ChangeRequested { add, remove } => {
                state.adding = *add;
                state.removing.clone_from(remove);
            }
            Event::Applied(label) => {
                state.adding = state.adding.filter(|it| it != label);
                state.ours.insert(*label);
            }
            Event::Removed(label) => {
                state.removing.remove(label);
                state.ours.remove(label);
            }
            Event::Merged { key, merge } => {
                state.key = Some(key.clone());
                state.status = Status::Merged;
                state.merged = Some(merge.clone());
                state.adding = None;
                state.removing.clear();
            }
        }
        state
    }
}

#[cfg(test)]
mod tests;
