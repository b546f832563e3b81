//! Two commits: what each has and the other has not.

use std::collections::BTreeSet;

use ids::Oid;

use crate::open::{object_id, oid};
use crate::{Commit, Error, Repository};

/// What two commits have for themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Between {
    /// What the second has and the first has not (`git rev-list from..to`), newest first.
    pub added: Vec<Commit>,
    /// The other way round.
    pub removed: Vec<Commit>,
}

impl Repository {
    /// What `to` has and `from` has not, and the other way round. One walk when one descends from
    /// the other, which the commits themselves say; else two. In a shallow clone this is an error
    /// where its end could make either list wrong.
    pub fn between(&self, from: &Oid, to: &Oid) -> Result<Between, Error> {
        let mut found = Between {
            added: Vec::new(),
            removed: Vec::new(),
        };
        if from != to {
            found.added = self.range(Some(from), to)?;
            // On every way from a commit down to its ancestor the last step names the ancestor.
            let is_forward = found.added.iter().any(|it| it.parents.contains(from));
            if !is_forward {
                found.removed = self.range(Some(to), from)?;
            }
            self.refuse_cut(from, to, &found)?;
        }
        Ok(found)
    }

    /// Refuses lists that may lack commits, or hold what both sides have: the end of a shallow
    /// clone is in them, or is common to both sides and newer than something listed, which may be
    /// below it.
    fn refuse_cut(&self, from: &Oid, to: &Oid, found: &Between) -> Result<(), Error> {
        let ends = self.boundary_ids()?;
        let listed = || found.added.iter().chain(&found.removed);
        let Some(oldest) = listed().map(|it| it.committed_at).min() else {
            return Ok(());
        };
        if ends.is_empty() {
            return Ok(());
        }
        let all = self.paint(&[object_id(from), object_id(to)], &[])?;
        let reached = all.into_iter().filter(|(id, _)| ends.contains(id));
        let inside: BTreeSet<_> = listed().map(|it| object_id(&it.oid)).collect();
        for (end, time) in reached {
            if inside.contains(&end) || time >= oldest {
                return Err(Error::Shallow {
                    place: self.place().to_owned(),
                    end: oid(end),
                });
            }
        }
        Ok(())
    }
}
