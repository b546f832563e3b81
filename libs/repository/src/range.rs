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
        self.range_as(from, to, |it| it)
    }

    /// The same, with each commit made into something as soon as it is decoded: by several threads
    /// when there are many.
    pub fn range_as<R: Send>(
        &self,
        from: Option<&Oid>,
        to: &Oid,
        read: impl Fn(Commit) -> R + Sync,
    ) -> Result<Vec<R>, Error> {
        let hidden: Vec<_> = from.map(object_id).into_iter().collect();
        let ids = self.paint(&[object_id(to)], &hidden)?;
        // What is remembered is so in this thread alone.
        if self.inner.objects.has_object_cache() {
            let all = ids.into_iter();
            return all.map(|(id, _)| self.decode(id).map(&read)).collect();
        }
        let all = self.each(&ids, FEW, |repository, (id, _)| {
            repository.decode(*id).map(&read)
        });
        all.into_iter().collect()
    }
}
