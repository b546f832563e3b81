//! Two commits: what each has and the other has not.

use std::collections::{BTreeMap, BTreeSet};

use gix::ObjectId;
use ids::Oid;

use crate::open::{object_id, oid};
use crate::{Commit, Error, Repository};

/// What two commits have for themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between<C = Commit> {
    /// What the second has and the first has not (`git rev-list from..to`), newest first.
    pub added: Vec<C>,
    /// The other way round.
    pub removed: Vec<C>,
}

impl Repository {
    /// What `to` has and `from` has not, and the other way round. One walk when one descends from
    /// the other, which the commits themselves say; else two. In a shallow clone this is an error
    /// where its end could make either list wrong.
    pub fn between(&self, from: &Oid, to: &Oid) -> Result<Between, Error> {
        self.between_as(from, to, |it| it)
    }

    /// The same, with each commit made into something that holds it, as [`Self::range_as`] does.
    pub fn between_as<C: AsRef<Commit> + Send>(
        &self,
        from: &Oid,
        to: &Oid,
        read: impl Fn(Commit) -> C + Sync,
    ) -> Result<Between<C>, Error> {
        let mut found = Between {
            added: Vec::new(),
            removed: Vec::new(),
        };
        if from != to {
            found.added = self.range_as(Some(from), to, &read)?;
            // On every way from a commit down to its ancestor the last step names the ancestor.
            let mut added = found.added.iter().map(C::as_ref);
            let is_forward = added.any(|it| it.parents.contains(from));
            if !is_forward {
                found.removed = self.range_as(Some(to), from, &read)?;
            }
            self.refuse_cut(from, to, &found)?;
        }
        Ok(found)
    }

    /// Refuses lists that may lack commits, or hold what both sides have. That is so when the end of
    /// a shallow clone is in them; and when it is common to both sides, and something listed that
    /// was not made on it may be below it.
    fn refuse_cut<C: AsRef<Commit>>(
        &self,
        from: &Oid,
        to: &Oid,
        found: &Between<C>,
    ) -> Result<(), Error> {
        let ends = self.boundary_ids()?;
        if ends.is_empty() {
            return Ok(());
        }
        let listed = found.added.iter().chain(&found.removed).map(C::as_ref);
        let listed: BTreeMap<_, _> = listed
            .map(|it| (object_id(&it.oid), it.committed_at))
            .collect();
        let all = self.paint(&[object_id(from), object_id(to)], &[])?;
        let children = self.children(&all, &ends)?;
        for (end, time) in all.iter().filter(|(id, _)| ends.contains(id)) {
            let older: Vec<_> = listed.iter().filter(|(_, it)| *it <= time).collect();
            let may_be_below = || {
                let made_on_it = above(*end, &children);
                older.iter().any(|(id, _)| !made_on_it.contains(*id))
            };
            if listed.contains_key(end) || (!older.is_empty() && may_be_below()) {
                return Err(Error::Shallow {
                    place: self.place().to_owned(),
                    end: oid(*end),
                });
            }
        }
        Ok(())
    }

    /// What was made on each of these commits.
    fn children(
        &self,
        commits: &[(ObjectId, i64)],
        ends: &BTreeSet<ObjectId>,
    ) -> Result<BTreeMap<ObjectId, Vec<ObjectId>>, Error> {
        let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (id, _) in commits.iter().filter(|(id, _)| !ends.contains(id)) {
            let commit = self.inner.find_commit(*id).map_err(|it| self.broken(&it))?;
            for parent in commit.parent_ids() {
                found.entry(parent.detach()).or_default().push(*id);
            }
        }
        Ok(found)
    }
}

/// A commit and everything made on it.
fn above(commit: ObjectId, children: &BTreeMap<ObjectId, Vec<ObjectId>>) -> BTreeSet<ObjectId> {
    let mut found = BTreeSet::new();
    let mut open = vec![commit];
    while let Some(at) = open.pop() {
        if found.insert(at) {
            open.extend(children.get(&at).into_iter().flatten());
        }
    }
    found
}
