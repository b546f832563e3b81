//! Branches, by the names that people use for them.

use ids::Oid;

use crate::open::{object_id, oid};
use crate::{Error, Repository};

/// A branch of this repository, or what was last seen of one in a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// The name in the repository that it is of, such as `main`.
    pub name: String,
    /// The remote that it was seen in; nothing when it is one of ours.
    pub remote: Option<String>,
    /// Its last commit.
    pub tip: Oid,
}

impl Repository {
    /// All branches: our own, and those last seen in remotes.
    pub fn branches(&self) -> Result<Vec<Branch>, Error> {
        let remotes = self.inner.remote_names();
        let remotes: Vec<_> = remotes.iter().map(ToString::to_string).collect();
        let platform = self.inner.references().map_err(|it| self.broken(&it))?;
        let mut branches = Vec::new();
        for prefix in ["refs/heads/", "refs/remotes/"] {
            let all = platform.prefixed(prefix).map_err(|it| self.broken(&it))?;
            for reference in all {
                // One that leads nowhere is no branch of anything.
                let Ok(mut reference) = reference else {
                    continue;
                };
                let full = reference.name().as_bstr().to_string();
                let Ok(tip) = reference.peel_to_id() else {
                    continue;
                };
                let tip = oid(tip.detach());
                branches.extend(named(&full, &remotes, tip));
            }
        }
        Ok(branches)
    }

    /// Whether a commit is here. One that is only promised by a remote is not.
    pub fn has(&self, commit: &Oid) -> bool {
        let header = self.inner.find_header(object_id(commit));
        header.is_ok_and(|it| it.kind() == gix::object::Kind::Commit)
    }
}

/// What a full name means; nothing for what is a branch neither here nor in a remote that we know.
fn named(full: &str, remotes: &[String], tip: Oid) -> Option<Branch> {
    if let Some(name) = full.strip_prefix("refs/heads/") {
        return Some(Branch {
            name: name.to_owned(),
            remote: None,
            tip,
        });
    }
    let rest = full.strip_prefix("refs/remotes/")?;
    let of = |remote: &String| rest.strip_prefix(remote.as_str())?.strip_prefix('/');
    let (remote, name) = remotes.iter().find_map(|it| Some((it, of(it)?)))?;
    // `origin/HEAD` only says which of the others is meant.
    (name != "HEAD").then(|| Branch {
        name: name.to_owned(),
        remote: Some(remote.clone()),
        tip,
    })
}
