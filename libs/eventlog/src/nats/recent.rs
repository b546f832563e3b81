//! The ids of the last commits of the whole log, in bounded memory: an id that is used on
//! another aggregate is found here (`docs/decisions/0008-commit-ids-on-nats.md`).

use std::collections::{BTreeMap, VecDeque};

use ids::CommitId;

/// Commits whose ids are known: some 12 MiB when full.
pub(super) const WINDOW: u64 = 1 << 18;

/// Half of each id and the position of its commit. What is found is read and compared.
pub(super) struct Recent {
    window: u64,
    positions: BTreeMap<u64, u64>,
    order: VecDeque<u64>,
}

impl Default for Recent {
    fn default() -> Self {
        Self::new(WINDOW)
    }
}

impl Recent {
    fn new(window: u64) -> Self {
        Self {
            window,
            positions: BTreeMap::new(),
            order: VecDeque::new(),
        }
    }

    pub(super) fn note(&mut self, commit_id: CommitId, position: u64) {
        let half = half(commit_id);
        if self.positions.contains_key(&half) {
            return;
        }
        self.positions.insert(half, position);
        self.order.push_back(half);
        if self.order.len() as u64 > self.window
            && let Some(oldest) = self.order.pop_front()
        {
            self.positions.remove(&oldest);
        }
    }

    pub(super) fn find(&self, commit_id: CommitId) -> Option<u64> {
        self.positions.get(&half(commit_id)).copied()
    }
}

/// The half that is random in every version of UUID in use.
fn half(commit_id: CommitId) -> u64 {
    commit_id.0.as_u64_pair().1
}

#[cfg(test)]
mod tests {
    use ids::Uuid;

    use super::*;

    #[test]
    fn the_last_ones_are_found_and_memory_is_bounded() {
        let mut recent = Recent::new(20);
        let id = |n: u64| CommitId(Uuid::from_u64_pair(7, n));
        for n in 1..=30_u64 {
            recent.note(id(n), n);
            recent.note(id(n), n + 1);
        }
        assert_eq!(recent.find(id(10)), None);
        assert_eq!(recent.find(id(11)), Some(11));
        assert_eq!(recent.find(id(30)), Some(30));
        assert_eq!(recent.positions.len() as u64, 20);
        assert_eq!(recent.order.len() as u64, 20);
    }
}
