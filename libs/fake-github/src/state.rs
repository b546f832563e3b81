//! What the forge knows: repositories, pull requests, labels and who set them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::shape;
use crate::webhook::Webhook;

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Method and path.
    pub what: String,
    /// What was answered.
    pub status: u16,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) repositories: BTreeMap<String, Repository>,
    /// What happened and was told nobody yet.
    pub(crate) untold: Vec<Webhook>,
    pub(crate) violations: Vec<String>,
    pub(crate) asked: Vec<Asked>,
    deliveries: u64,
    /// Counts changes, so that times of the forge go on.
    now: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Repository {
    pub(crate) default_branch: String,
    /// Labels that there are.
    pub(crate) labels: BTreeSet<String>,
    pub(crate) pulls: BTreeMap<u64, Pull>,
    /// Commits of the default branch.
    pub(crate) on_default: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Pull {
    pub(crate) number: u64,
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) base: String,
    pub(crate) head: String,
    pub(crate) is_open: bool,
    pub(crate) merged_at: Option<String>,
    pub(crate) merge_commit: Option<String>,
    /// Labels, and who set each.
    pub(crate) labels: BTreeMap<String, String>,
    /// Commits that it brings.
    pub(crate) commits: BTreeSet<String>,
}

impl State {
    pub(crate) fn repository(&mut self, name: &str) -> &mut Repository {
        self.repositories
            .get_mut(name)
            .unwrap_or_else(|| panic!("there is no {name}"))
    }

    pub(crate) fn pull(&mut self, repository: &str, number: u64) -> &mut Pull {
        let pulls = &mut self.repository(repository).pulls;
        pulls
            .get_mut(&number)
            .unwrap_or_else(|| panic!("there is no {repository}#{number}"))
    }

    /// The forge's clock: a second for every change.
    pub(crate) fn now(&mut self) -> String {
        self.now += 1;
        let (minutes, seconds) = (self.now / 60, self.now % 60);
        format!("2026-11-20T10:{minutes:02}:{seconds:02}Z")
    }

    /// Remembers that somebody did something to a pull request; `more` belongs to the action.
    pub(crate) fn happened(
        &mut self,
        repository: &str,
        number: u64,
        action: &str,
        by: &str,
        more: &serde_json::Value,
    ) {
        self.deliveries += 1;
        let id = format!("{:08x}-fake-4000-8000-000000000000", self.deliveries);
        let known = self.repository(repository);
        let mut payload = json!({
            "action": action,
            "number": number,
            "pull_request": shape::pull(repository, known, &known.pulls[&number]),
            "repository": shape::repository(repository, known),
            "sender": shape::user(by),
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            payload[key] = value.clone();
        }
        self.untold.push(Webhook::new(id, "pull_request", &payload));
    }

    /// Puts a label on; nothing happens to one that is there.
    pub(crate) fn label(&mut self, repository: &str, number: u64, label: &str, by: &str) {
        self.repository(repository).labels.insert(label.to_owned());
        let labels = &mut self.pull(repository, number).labels;
        if labels.contains_key(label) {
            return;
        }
        labels.insert(label.to_owned(), by.to_owned());
        let more = json!({ "label": shape::label(label) });
        self.happened(repository, number, "labeled", by, &more);
    }

    /// Takes a label off; says whether it was there.
    pub(crate) fn unlabel(&mut self, repository: &str, number: u64, label: &str, by: &str) -> bool {
        if self.pull(repository, number).labels.remove(label).is_none() {
            return false;
        }
        let more = json!({ "label": shape::label(label) });
        self.happened(repository, number, "unlabeled", by, &more);
        true
    }

    /// Pull requests in the order of a list; open ones unless others are asked for.
    pub(crate) fn listed(&mut self, repository: &str, query: &[(String, String)]) -> Vec<Pull> {
        let asked = |name: &str| query.iter().find(|it| it.0 == name);
        let state = asked("state").map_or("open", |it| it.1.as_str());
        let is_listed = |it: &&Pull| state == "all" || (state == "open") == it.is_open;
        let all = self.repository(repository).pulls.values();
        // Nothing here is ever changed twice in a second: the last one is the newest.
        all.rev().filter(is_listed).cloned().collect()
    }

    /// The pull requests that a commit belongs to. Of one that is not on the default branch, those
    /// that are open come, too, and first.
    pub(crate) fn pulls_of(&mut self, repository: &str, commit: &str) -> Vec<Pull> {
        let known = self.repository(repository);
        let is_default = known.on_default.contains(commit);
        let of =
            |it: &&Pull| it.commits.contains(commit) || it.merge_commit.as_deref() == Some(commit);
        let all = known.pulls.values().rev().filter(of);
        all.filter(|it| it.merged_at.is_some() || (it.is_open && !is_default))
            .cloned()
            .collect()
    }
}
