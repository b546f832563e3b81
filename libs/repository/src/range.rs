//! What one commit has and another has not.

use ids::Oid;

use crate::open::object_id;
use crate::{Commit, Error, Repository};

/// So many commits are decoded while a thread starts.
const FEW: usize = 500;

impl Repository {
    /// The commits that `to` has and `from` has not (`git rev-list from..to`), newest first by the
    /// committers' clocks; with no `from`, all that `to` has. The cost grows with how many those
    /// are, and with how far back both part.
    pub fn range(&self, from: Option<&Oid>, to: &Oid) -> Result<Vec<Commit>, Error> {
        let hidden: Vec<_> = from.map(object_id).into_iter().collect();
        let ids = self.paint(&[object_id(to)], &hidden)?;
        // What is remembered is so in this thread alone.
        if self.inner.objects.has_object_cache() {
            return ids.into_iter().map(|(id, _)| self.decode(id)).collect();
        }
        let all = self.each(&ids, FEW, |repository, (id, _)| repository.decode(*id));
        all.into_iter().collect()
    }
}
