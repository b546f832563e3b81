//! What this process knows of aggregates used lately: where their commits are and which ids
//! they have, without the commits themselves.

use std::collections::BTreeMap;

use ids::{AggregateId, CommitId};

use crate::commit::{Head, SealedCommit};

/// Commits known of at most, over all aggregates: some 10 MiB.
const ROOM: usize = 1 << 17;

/// One commit of an aggregate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) commit_id: CommitId,
    pub(super) position: u64,
    pub(super) hash: [u8; 32],
}

/// One aggregate, from version 1 on, without a hole.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    entries: Vec<Entry>,
}

impl Known {
    pub(super) fn head(&self) -> Head {
        self.entries.last().map_or(Head::NONE, |it| Head {
            version: self.entries.len() as u64,
            hash: it.hash,
        })
    }

    /// The position of the last commit; 0 for none.
    pub(super) fn last(&self) -> u64 {
        self.entries.last().map_or(0, |it| it.position)
    }

    /// The commit of a version.
    pub(super) fn at(&self, version: u64) -> Option<&Entry> {
        let index = usize::try_from(version.checked_sub(1)?).ok()?;
        self.entries.get(index)
    }

    /// Version and entry of a commit id.
    pub(super) fn find(&self, commit_id: CommitId) -> Option<(u64, &Entry)> {
        (1..)
            .zip(&self.entries)
            .find(|(_, it)| it.commit_id == commit_id)
    }

    /// Adds the next commit; one that is not the next is passed over.
    fn add(&mut self, position: u64, commit: &SealedCommit) -> bool {
        let head = self.head();
        let is_next = commit.version == head.version + 1 && commit.prev_hash == head.hash;
        if is_next {
            self.entries.push(Entry {
                commit_id: commit.commit_id,
                position,
                hash: commit.hash(),
            });
        }
        is_next
    }
}

/// The aggregates used lately; the ones not used for longest leave first.
pub(super) struct Shelf {
    room: usize,
    uses: u64,
    weight: usize,
    aggregates: BTreeMap<AggregateId, (u64, Known)>,
    by_use: BTreeMap<u64, AggregateId>,
}

impl Default for Shelf {
    fn default() -> Self {
        Self::new(ROOM)
    }
}

impl Shelf {
    fn new(room: usize) -> Self {
        Self {
            room,
            uses: 0,
            weight: 0,
            aggregates: BTreeMap::new(),
            by_use: BTreeMap::new(),
        }
    }

    pub(super) fn find(&mut self, aggregate: &AggregateId) -> Option<&Known> {
        self.touch(aggregate)?;
        self.aggregates.get(aggregate).map(|it| &it.1)
    }

    /// Takes note of a commit that is stored, if all before it are known.
    pub(super) fn note(&mut self, position: u64, commit: &SealedCommit) {
        let aggregate = &commit.aggregate;
        if !self.aggregates.contains_key(aggregate) {
            if commit.version != 1 {
                return;
            }
            self.aggregates
                .insert(aggregate.clone(), (0, Known::default()));
        }
        if self.touch(aggregate).is_none() {
            return;
        }
        if let Some((_, known)) = self.aggregates.get_mut(aggregate)
            && known.add(position, commit)
        {
            self.weight += 1;
        }
        self.make_room();
    }

    fn touch(&mut self, aggregate: &AggregateId) -> Option<()> {
        let (used, _) = self.aggregates.get_mut(aggregate)?;
        self.by_use.remove(used);
        self.uses += 1;
        *used = self.uses;
        self.by_use.insert(self.uses, aggregate.clone());
        Some(())
    }

    fn make_room(&mut self) {
        while self.weight > self.room && self.aggregates.len() > 1 {
            let Some((_, oldest)) = self.by_use.pop_first() else {
                break;
            };
            if let Some((_, known)) = self.aggregates.remove(&oldest) {
                self.weight -= known.entries.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{next, slot};

    #[test]
    fn only_what_follows_is_noted() {
        let mut shelf = Shelf::default();
        let first = next(&slot(1), &Head::NONE, "first");
        let second = next(&slot(1), &first.head(), "second");
        shelf.note(9, &second);
        assert!(shelf.find(&slot(1)).is_none(), "the first one is not known");
        shelf.note(3, &first);
        shelf.note(9, &second);
        shelf.note(9, &second);
        let known = shelf.find(&slot(1)).unwrap();
        assert_eq!((known.head(), known.last()), (second.head(), 9));
        assert_eq!(known.find(first.commit_id).unwrap().0, 1);
        assert_eq!(known.at(2).unwrap().position, 9);
        assert_eq!(known.at(0), None);
    }

    #[test]
    fn the_ones_not_used_for_longest_leave() {
        let mut shelf = Shelf::new(20);
        for n in 0..=20 {
            shelf.note(1, &next(&slot(n), &Head::NONE, "first"));
        }
        assert!(shelf.find(&slot(0)).is_none());
        assert!(shelf.find(&slot(1)).is_some());
        assert_eq!(shelf.aggregates.len(), 20);
        assert_eq!(shelf.by_use.len(), 20);
    }
}
