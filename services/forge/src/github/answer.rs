//! What GitHub says of pull requests, as far as it is read. Fields that are not named here may
//! come and go.

use ids::Oid;
use serde::Deserialize;

use crate::domain::label::Label;
use crate::domain::pull_request::{Merge, Observed, Status};

/// Characters of a title that are kept; GitHub allows 256.
const TITLE: usize = 512;

/// A pull request, as answers and webhooks show it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Pull {
    pub(crate) number: u64,
    title: String,
    #[serde(default)]
    body: Option<String>,
    state: String,
    /// Lists do not say it; they say when.
    #[serde(default)]
    merged_at: Option<String>,
    /// Of one that is open, the commit of a merge that was tried.
    #[serde(default)]
    merge_commit_sha: Option<String>,
    #[serde(default)]
    updated_at: Option<String>,
    base: Place,
    head: Place,
    labels: Vec<Named>,
}

#[derive(Debug, Clone, Deserialize)]
struct Place {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Named {
    name: String,
}

/// What is found out of a pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) observed: Observed,
    pub(crate) merge: Option<Merge>,
}

impl Pull {
    /// Its title, shortened.
    pub(crate) fn title(&self) -> String {
        let plain = self.title.chars().filter(|it| !it.is_control());
        plain.take(TITLE).collect()
    }

    /// Its labels about versions.
    fn labels(&self) -> Vec<String> {
        let names = self.labels.iter().map(|it| it.name.as_str());
        let ours = names.filter(|it| Label::is_about_versions(it));
        ours.map(|it| it.chars().filter(|it| !it.is_control()).take(100).collect())
            .collect()
    }

    /// When something last happened to it, in microseconds UTC by the forge's clock.
    pub(crate) fn updated_at_us(&self) -> i64 {
        let text = self.updated_at.as_deref().unwrap_or_default();
        service::time::parse_rfc3339(text).unwrap_or_default()
    }

    /// What its body says that breaks.
    fn breaks(&self) -> String {
        let body = self.body.as_deref().unwrap_or_default();
        versioning::body::breaks(body).unwrap_or_default()
    }

    /// What its merge made; nothing while it is not merged.
    pub(crate) fn merge(&self, as_told: bool) -> Option<Merge> {
        let merged_at = self.merged_at.as_deref()?;
        let commit = self.merge_commit_sha.as_deref();
        Some(Merge {
            title: self.title(),
            base: self.base.branch.clone(),
            head: self.head.sha.clone(),
            commit: commit.and_then(|it| Oid::parse(it).ok()),
            labels: self.labels(),
            breaks: self.breaks(),
            merged_at_us: service::time::parse_rfc3339(merged_at).unwrap_or_default(),
            as_told,
        })
    }

    /// How it stands, after so many deliveries.
    pub(crate) fn found(&self, heard: u64) -> Found {
        let merge = self.merge(false);
        let status = match &merge {
            Some(_) => Status::Merged,
            None if self.state == "open" => Status::Open,
            None => Status::Closed,
        };
        let observed = Observed {
            heard,
            title: self.title(),
            status,
            base: self.base.branch.clone(),
            head: self.head.sha.clone(),
            labels: self.labels(),
        };
        Found { observed, merge }
    }
}
