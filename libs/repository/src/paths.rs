//! Which commits change something below given paths.

use gix::ObjectId;
use ids::Oid;

use crate::open::object_id;
use crate::{Error, Repository};

impl Repository {
    /// Whether a commit has something else below one of `paths` than its first parent. Names of
    /// directories and files from the top, `/` between them; trees that are the same are not
    /// looked into, files are never read.
    pub fn touches(&self, commit: &Oid, paths: &[String]) -> Result<bool, Error> {
        let commit = self
            .inner
            .find_commit(object_id(commit))
            .map_err(|error| self.broken(&error))?;
        let parent = commit.parent_ids().next().map(gix::Id::detach);
        let parent = parent
            .map(|id| self.inner.find_commit(id))
            .transpose()
            .map_err(|error| self.broken(&error))?;
        for path in paths {
            let now = self.at(&commit, path)?;
            let before = match &parent {
                Some(parent) => self.at(parent, path)?,
                None => None,
            };
            if now != before {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a commit has anything at a path.
    pub fn has_path(&self, commit: &Oid, path: &str) -> Result<bool, Error> {
        let commit = self
            .inner
            .find_commit(object_id(commit))
            .map_err(|error| self.broken(&error))?;
        Ok(self.at(&commit, path)?.is_some())
    }

    /// What stands at a path.
    fn at(&self, commit: &gix::Commit<'_>, path: &str) -> Result<Option<ObjectId>, Error> {
        let tree = commit.tree().map_err(|error| self.broken(&error))?;
        let found = tree
            .lookup_entry_by_path(path)
            .map_err(|error| self.broken(&error))?;
        Ok(found.map(|it| it.object_id()))
    }
}
