//! Where the history of a shallow clone ends.

use std::collections::BTreeSet;

use gix::ObjectId;
use ids::Oid;

use crate::open::oid;
use crate::{Error, Repository};

impl Repository {
    /// Commits whose parents were left behind; empty in a clone with all its history.
    pub fn boundary(&self) -> Result<BTreeSet<Oid>, Error> {
        Ok(self.boundary_ids()?.into_iter().map(oid).collect())
    }

    pub(crate) fn boundary_ids(&self) -> Result<BTreeSet<ObjectId>, Error> {
        let found = self.inner.shallow_commits();
        let found = found.map_err(|it| self.broken(&it))?;
        Ok(found.iter().flat_map(|it| it.iter()).copied().collect())
    }
}
