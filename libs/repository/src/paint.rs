//! What some commits have and others have not, painted from both sides at once.
//!
//! Commits are taken newest first, by generation where a commit-graph knows it and by the
//! committers' clocks where none does, and give their colours to their parents. As soon as
//! nothing of one colour alone is left to take, both sides have met. Clocks go wrong: without
//! generations the hidden side goes on for a while then, as git does (`SLOP` in its
//! `revision.c`), and a commit that turns out to be hidden gives that to all it had painted.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use gix::ObjectId;

use crate::{Error, Repository};

/// How far clocks may differ before a meeting is missed, in seconds…
const SLACK: i64 = 24 * 60 * 60;
/// …or how many more hidden commits are looked at.
const SLOP: u32 = 256;

const VISIBLE: u8 = 1;
const HIDDEN: u8 = 2;
const QUEUED: u8 = 4;

/// What is taken first: what no commit-graph holds is newer than all that one holds; then the
/// higher generation, the later time, and what was found first.
type Key = (u32, i64, Reverse<u32>, ObjectId);

struct Painter<'a> {
    repository: &'a Repository,
    graph: gix::revwalk::Graph<'a, 'a, gix::revwalk::graph::Commit<u8>>,
    boundary: &'a BTreeSet<ObjectId>,
    queue: BinaryHeap<Key>,
    /// How many in the queue are visible and, as far as is known, not hidden.
    open: usize,
    found: u32,
    /// Commits that were taken when they were visible, in that order.
    taken: Vec<(ObjectId, i64)>,
    /// The lowest generation and the earliest time among them.
    lowest: (u32, i64),
}

impl Repository {
    /// The commits that `visible` have and `hidden` have not, with their times, newest first.
    pub(crate) fn paint(
        &self,
        visible: &[ObjectId],
        hidden: &[ObjectId],
    ) -> Result<Vec<(ObjectId, i64)>, Error> {
        let cache = self
            .inner
            .commit_graph_if_enabled()
            .map_err(|error| self.broken(&error))?;
        let boundary = self.boundary_ids()?;
        let mut painter = Painter {
            repository: self,
            graph: self.inner.revision_graph(cache.as_ref()),
            boundary: &boundary,
            queue: BinaryHeap::new(),
            open: 0,
            found: 0,
            taken: Vec::new(),
            lowest: (u32::MAX, i64::MAX),
        };
        for id in hidden {
            painter.mark(*id, HIDDEN)?;
        }
        for id in visible {
            painter.mark(*id, VISIBLE)?;
        }
        painter.run()?;
        Ok(painter.finish())
    }
}

impl Painter<'_> {
    /// Gives a commit a colour; it is looked at again when that is new to it.
    fn mark(&mut self, id: ObjectId, colour: u8) -> Result<(), Error> {
        let (mut before, mut after) = (0, 0);
        let found = self.graph.get_or_insert_full_commit(id, |commit| {
            before = commit.data;
            commit.data |= colour;
            after = commit.data;
            commit.data |= QUEUED;
        });
        let found = found.map_err(|error| self.repository.broken(&error))?;
        let Some(commit) = found else {
            return Err(self.repository.missing(id));
        };
        let was_open = before & QUEUED != 0 && before & HIDDEN == 0;
        if before == after {
            // Nothing new, and whether it is in the queue stays as it was.
            commit.data = before;
            return Ok(());
        }
        self.open -= usize::from(was_open);
        self.open += usize::from(after & HIDDEN == 0);
        if before & QUEUED == 0 {
            let generation = commit.generation.unwrap_or(u32::MAX);
            let key = (generation, commit.commit_time, Reverse(self.found), id);
            self.found += 1;
            self.queue.push(key);
        }
        Ok(())
    }

    fn run(&mut self) -> Result<(), Error> {
        let mut slop = 0;
        while let Some((generation, time, _, id)) = self.queue.pop() {
            if self.open == 0 {
                if self.is_over(generation, time, slop) {
                    return Ok(());
                }
                slop += 1;
            } else {
                slop = 0;
            }
            let Some(commit) = self.graph.get_mut(&id) else {
                continue;
            };
            commit.data &= !QUEUED;
            let colour = commit.data;
            let parents = commit.parents.clone();
            if colour & HIDDEN == 0 {
                self.open -= 1;
                self.taken.push((id, time));
                self.lowest.0 = self.lowest.0.min(generation);
                self.lowest.1 = self.lowest.1.min(time);
            }
            // What a shallow clone left behind is not looked for.
            if !self.boundary.contains(&id) {
                for parent in parents {
                    self.mark(parent, colour)?;
                }
            }
        }
        Ok(())
    }

    /// Whether nothing that is left can have a visible commit below it.
    fn is_over(&self, generation: u32, time: i64, slop: u32) -> bool {
        if self.taken.is_empty() {
            return true;
        }
        if generation != u32::MAX {
            // A commit has only lower generations below it, and every other one left is lower.
            return generation <= self.lowest.0;
        }
        time < self.lowest.1.saturating_sub(SLACK) && slop >= SLOP
    }

    fn finish(self) -> Vec<(ObjectId, i64)> {
        let is_visible = |id: &ObjectId| {
            let commit = self.graph.get(id);
            commit.is_some_and(|it| it.data & HIDDEN == 0)
        };
        let mut visible: Vec<_> = self
            .taken
            .iter()
            .copied()
            .filter(|(id, _)| is_visible(id))
            .collect();
        visible.sort_by_key(|(_, time)| Reverse(*time));
        visible
    }
}
