//! What one commit has and another has not.

use ids::Oid;

use crate::open::object_id;
use crate::{Commit, Error, Repository};

impl Repository {
    /// The commits that `to` has and `from` has not (`git rev-list from..to`), newest first by the
    /// committers' clocks; with no `from`, all that `to` has. The cost grows with how many those
    /// are, and with how far back both part.
    pub fn range(&self, from: Option<&Oid>, to: &Oid) -> Result<Vec<Commit>, Error> {
        let newest = gix::traverse::commit::simple::CommitTimeOrder::NewestFirst;
        let walk = self
            .inner
            .rev_walk([object_id(to)])
            .with_hidden(from.map(object_id))
            .sorting(gix::revision::walk::Sorting::ByCommitTime(newest))
            .all()
            .map_err(|error| self.broken(&error))?;
        walk.map(|info| {
            let info = info.map_err(|error| self.broken(&error))?;
            self.decode(info.id)
        })
        .collect()
    }
}
