//! What one commit has and another has not.

use ids::Oid;

use crate::open::object_id;
use crate::{Commit, Error, Repository};

impl Repository {
    /// The commits that `to` has and `from` has not (`git rev-list from..to`), newest first by the
    /// committers' clocks; with no `from`, all that `to` has. The cost grows with how many those
    /// are, and with how far back both part.
    pub fn range(&self, from: Option<&Oid>, to: &Oid) -> Result<Vec<Commit>, Error> {
        let hidden: Vec<_> = from.map(object_id).into_iter().collect();
        let ids = self.paint(&[object_id(to)], &hidden)?;
        ids.into_iter().map(|(id, _)| self.decode(id)).collect()
    }
}
