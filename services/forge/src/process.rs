//! Which pull requests have to be looked at. Pure, and free to be asked any number of times.

use std::collections::{BTreeMap, BTreeSet};

use decider::Decider as _;
use ids::{AggregateId, Oid, RepositoryName, Uuid};

use crate::domain::label::Label;
use crate::domain::pull_request::{Event, Key, Merge, Observed, PullRequests, State, Status};

/// Something that happened to a pull request.
#[derive(Debug, Clone)]
pub struct Fact {
    /// Which.
    pub id: Uuid,
    /// What.
    pub event: Event,
}

/// A pull request that has to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its id in the log.
    pub id: Uuid,
    /// Which one it is.
    pub key: Key,
}

/// Everything known, folded from the log. Grows with the number of pull requests.
#[derive(Debug, Default)]
pub struct World {
    all: BTreeMap<Uuid, State>,
    /// What a merge made, and of which pull requests: a merge queue makes one commit of several.
    merged: BTreeMap<(RepositoryName, Oid), BTreeSet<Uuid>>,
    /// Those that have to be looked at.
    due: BTreeSet<Uuid>,
    /// Those that were ever heard of.
    repositories: BTreeSet<RepositoryName>,
    /// Those that this binary cannot read, and why.
    aside: BTreeMap<Uuid, (AggregateId, String)>,
}

impl World {
    /// Takes in a fact.
    pub fn observe(&mut self, fact: &Fact) {
        let before = self.all.remove(&fact.id).unwrap_or_default();
        self.forget(fact.id, &before);
        let state = PullRequests::evolve(before, &fact.event);
        if let Some(at) = place(&state) {
            self.merged.entry(at).or_default().insert(fact.id);
        }
        if state.is_due() && !self.aside.contains_key(&fact.id) {
            self.due.insert(fact.id);
        } else {
            self.due.remove(&fact.id);
        }
        if let Some(key) = &state.key
            && !self.repositories.contains(&key.repository)
        {
            self.repositories.insert(key.repository.clone());
        }
        self.all.insert(fact.id, state);
    }

    /// A merge that was told of differs from the one that was found, perhaps in its commit.
    fn forget(&mut self, id: Uuid, before: &State) {
        if let Some(at) = place(before)
            && let Some(ids) = self.merged.get_mut(&at)
        {
            ids.remove(&id);
        }
    }

    /// Leaves alone a pull request that a newer binary wrote about.
    pub fn set_aside(&mut self, aggregate: &AggregateId, why: String) {
        let id = aggregate.id();
        if let Some(state) = self.all.remove(&id) {
            self.forget(id, &state);
        }
        self.due.remove(&id);
        self.aside.insert(id, (aggregate.clone(), why));
    }

    /// What is left alone, and why.
    pub fn all_aside(&self) -> impl Iterator<Item = &(AggregateId, String)> {
        self.aside.values()
    }

    /// Pull requests that have to be looked at.
    pub fn due(&self) -> impl Iterator<Item = Due> + '_ {
        self.due.iter().filter_map(|id| {
            let key = self.all.get(id)?.key.clone()?;
            Some(Due { id: *id, key })
        })
    }

    /// Repositories of all that was ever heard of.
    pub fn repositories(&self) -> impl Iterator<Item = &RepositoryName> {
        self.repositories.iter()
    }

    /// Those of a repository that are taken for open, and that nobody has to look at. Costs a look
    /// at every pull request.
    pub fn open_of(&self, repository: &RepositoryName) -> impl Iterator<Item = u64> {
        let at_rest = self.all.values().filter(|it| !it.is_due());
        let open = at_rest.filter(|it| it.status == Status::Open && it.looked > 0);
        let keys = open.filter_map(|it| it.key.as_ref());
        keys.filter(move |it| it.repository == *repository)
            .map(|it| it.number)
    }

    /// Whether what a look shows of a pull request is unknown.
    pub fn is_news(&self, key: &Key, seen: &Observed, derived: Option<Label>) -> bool {
        let id = key.id();
        !self.aside.contains_key(&id)
            && self.all.get(&id).map_or_else(
                || State::default().is_news(seen, derived),
                |it| it.is_news(seen, derived),
            )
    }

    /// What was merged into a branch by a commit, as it was recorded.
    pub fn merged_by(
        &self,
        repository: &RepositoryName,
        branch: &str,
        commit: &Oid,
    ) -> Vec<(u64, Merge)> {
        let ids = self.merged.get(&(repository.clone(), commit.clone()));
        let ids = ids.into_iter().flatten();
        let states = ids.filter_map(|id| self.all.get(id));
        let found = states.filter_map(|it| Some((it.key.as_ref()?.number, it.merged.clone()?)));
        found.filter(|(_, it)| it.base == branch).collect()
    }

    /// What a pull request had when it was merged, when that is recorded.
    pub fn merge_of(&self, key: &Key) -> Option<&Merge> {
        self.all.get(&key.id())?.merged.as_ref()
    }
}

fn place(state: &State) -> Option<(RepositoryName, Oid)> {
    let commit = state.merged.as_ref()?.commit.clone()?;
    Some((state.key.as_ref()?.repository.clone(), commit))
}

#[cfg(test)]
mod tests;
