//! How two commits stand to each other.
//!
//! What decides between two builds is the *first-parent* chain: what a branch itself has been,
//! as opposed to what was merged into it (`git rev-list --first-parent`).

use std::collections::BTreeSet;

use gix::ObjectId;
use ids::Oid;

use crate::mirror::{Inner, object_id, oid};
use crate::{GitError, Mirror};

/// How commit `a` stands to commit `b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// They are the same commit.
    Same,
    /// `a` is on the first-parent chain of `b`: `b` is newer on the same branch.
    AncestorFirstParent,
    /// `b` is on the first-parent chain of `a`: `a` is newer on the same branch.
    DescendantFirstParent,
    /// `b` holds `a`, but only through a merge.
    AncestorOnly,
    /// `a` holds `b`, but only through a merge.
    DescendantOnly,
    /// Neither holds the other.
    Unrelated,
    /// This commit is not in the mirror, so nothing can be said.
    Unknown(Oid),
}

impl Mirror {
    /// How `a` stands to `b`.
    pub async fn relation(&self, a: &Oid, b: &Oid) -> Result<Relation, GitError> {
        let (a, b) = (object_id(a), object_id(b));
        self.blocking("comparing commits", move |inner, repository| {
            inner.relation(repository, a, b)
        })
        .await
    }
}

/// One first-parent chain, walked downwards.
struct Chain {
    next: Option<ObjectId>,
    seen: BTreeSet<ObjectId>,
}

impl Chain {
    fn new(from: ObjectId) -> Self {
        Self {
            next: Some(from),
            seen: BTreeSet::new(),
        }
    }

    /// Takes one step; the commit stepped on.
    fn step(&mut self, repository: &gix::Repository) -> Result<Option<ObjectId>, gix::Error> {
        let Some(id) = self.next else {
            return Ok(None);
        };
        self.seen.insert(id);
        self.next = repository
            .find_commit(id)?
            .parent_ids()
            .next()
            .map(gix::Id::detach);
        Ok(Some(id))
    }
}

impl Inner {
    fn relation(
        &self,
        repository: &gix::Repository,
        a: ObjectId,
        b: ObjectId,
    ) -> Result<Relation, GitError> {
        for id in [a, b] {
            let is_commit = repository
                .try_find_header(id)
                .ok()
                .flatten()
                .is_some_and(|header| header.kind() == gix::objs::Kind::Commit);
            if !is_commit {
                return Ok(Relation::Unknown(oid(id)));
            }
        }
        if a == b {
            return Ok(Relation::Same);
        }
        let broken = |why: gix::Error| self.broken("comparing commits", &why);
        if let Some(relation) = along_first_parents(repository, a, b).map_err(broken)? {
            return Ok(relation);
        }
        let base = repository
            .merge_bases_many(a, &[b])
            .map_err(|why| self.broken("comparing commits", &why))?
            .into_iter()
            .map(gix::Id::detach)
            .collect::<Vec<_>>();
        Ok(if base.contains(&a) {
            Relation::AncestorOnly
        } else if base.contains(&b) {
            Relation::DescendantOnly
        } else {
            Relation::Unrelated
        })
    }
}

/// Walks both chains step by step in turn, so that the cost is the distance between the commits
/// and not the age of the repository. Where the chains meet, they are one from there on, so
/// neither end can be further down.
fn along_first_parents(
    repository: &gix::Repository,
    a: ObjectId,
    b: ObjectId,
) -> Result<Option<Relation>, gix::Error> {
    let (mut of_a, mut of_b) = (Chain::new(a), Chain::new(b));
    loop {
        let on_a = of_a.step(repository)?;
        let on_b = of_b.step(repository)?;
        if on_b == Some(a) {
            return Ok(Some(Relation::AncestorFirstParent));
        }
        if on_a == Some(b) {
            return Ok(Some(Relation::DescendantFirstParent));
        }
        let met = on_a.is_some_and(|id| of_b.seen.contains(&id))
            || on_b.is_some_and(|id| of_a.seen.contains(&id));
        if met || (on_a.is_none() && on_b.is_none()) {
            return Ok(None);
        }
    }
}
