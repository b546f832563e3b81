//! Tags, and the commits that they lead to.

use ids::Oid;

use crate::open::oid;
use crate::{Error, Repository};

/// A tag that leads to a commit, over however many other tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The name, without `refs/tags/`.
    pub name: String,
    /// The commit.
    pub commit: Oid,
}

/// The tags of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Those that lead to commits, sorted by name.
    pub of_commits: Vec<Tag>,
    /// The names of those that lead to something else, or nowhere.
    pub of_others: Vec<String>,
}

impl Repository {
    /// All tags. Those that git has packed cost no object each: their targets stand beside them.
    pub fn tags(&self) -> Result<Tags, Error> {
        let platform = self.inner.references().map_err(|it| self.broken(&it))?;
        let all = platform.tags().map_err(|it| self.broken(&it))?;
        let all = all.peeled().map_err(|it| self.broken(&it))?;
        let mut tags = Tags::default();
        for reference in all {
            // A tag whose object is gone cannot be peeled; its name is still known to no one here.
            let Ok(reference) = reference else { continue };
            let name = reference.name().shorten().to_string();
            let commit = reference.try_id().map(gix::Id::detach);
            let is_commit = |id: &gix::ObjectId| {
                let header = self.inner.find_header(*id);
                header.is_ok_and(|it| it.kind() == gix::object::Kind::Commit)
            };
            match commit.filter(is_commit) {
                Some(commit) => tags.of_commits.push(Tag {
                    name,
                    commit: oid(commit),
                }),
                None => tags.of_others.push(name),
            }
        }
        tags.of_commits.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(tags)
    }
}
