//! Which of several commits can be reached from others.

use std::collections::BTreeSet;

use ids::Oid;

use crate::open::{object_id, oid};
use crate::{Error, Repository};

/// As many candidates are asked about first; then twice as many each time.
const FIRST: usize = 1;

impl Repository {
    /// The first of `candidates` that one of `heads` has, by its place among them. What is no
    /// commit here is passed over.
    ///
    /// Never one question per candidate: a growing number of them is asked about at once (`git
    /// rev-list <candidates> ^<heads>`), so that the cost grows with how far back the found one is
    /// and how much the ones before it have for themselves, not with how many there are.
    pub fn first_reachable(
        &self,
        heads: &[Oid],
        candidates: &[Oid],
    ) -> Result<Option<usize>, Error> {
        let mut asked = 0;
        let mut at_once = FIRST;
        while asked < candidates.len() {
            let end = candidates.len().min(asked + at_once);
            let batch = &candidates[asked..end];
            let commits: Vec<_> = batch.iter().filter(|it| self.has(it)).cloned().collect();
            let apart = self.apart(heads, &commits)?;
            if let Some(found) = commits.iter().find(|it| !apart.contains(*it)) {
                return Ok(candidates.iter().position(|it| it == found));
            }
            asked = end;
            at_once *= 2;
        }
        Ok(None)
    }

    /// Those of `candidates` that none of `heads` has.
    pub fn apart(&self, heads: &[Oid], candidates: &[Oid]) -> Result<BTreeSet<Oid>, Error> {
        let wanted: BTreeSet<_> = candidates.iter().map(object_id).collect();
        let hidden: BTreeSet<_> = heads.iter().map(object_id).collect();
        // Whatever is asked about itself is there.
        let tips: Vec<_> = wanted.difference(&hidden).copied().collect();
        if tips.is_empty() {
            return Ok(BTreeSet::new());
        }
        let hidden: Vec<_> = hidden.into_iter().collect();
        let visible = self.paint(&tips, &hidden)?;
        let apart = visible.into_iter().map(|(id, _)| id);
        let apart = apart.filter(|id| wanted.contains(id)).map(oid).collect();
        Ok(apart)
    }
}
