//! States of aggregates used lately, so that only what is new is loaded.

use std::collections::BTreeMap;

use ids::Uuid;

use crate::commit::Head;

/// At most so many states; the one not used for longest leaves first.
pub(super) struct Cache<S> {
    room: usize,
    uses: u64,
    entries: BTreeMap<Uuid, Entry<S>>,
    by_use: BTreeMap<u64, Uuid>,
}

struct Entry<S> {
    state: S,
    head: Head,
    used: u64,
}

impl<S: Clone> Cache<S> {
    pub(super) fn new(room: usize) -> Self {
        Self {
            room,
            uses: 0,
            entries: BTreeMap::new(),
            by_use: BTreeMap::new(),
        }
    }

    pub(super) fn find(&mut self, id: Uuid) -> Option<(S, Head)> {
        let entry = self.entries.get_mut(&id)?;
        self.uses += 1;
        self.by_use.remove(&entry.used);
        self.by_use.insert(self.uses, id);
        entry.used = self.uses;
        Some((entry.state.clone(), entry.head))
    }

    /// Keeps a state, unless a newer one is kept already.
    pub(super) fn keep(&mut self, id: Uuid, state: S, head: Head) {
        if let Some(entry) = self.entries.get(&id) {
            if entry.head.version > head.version {
                return;
            }
            self.by_use.remove(&entry.used);
        }
        self.uses += 1;
        let used = self.uses;
        self.entries.insert(id, Entry { state, head, used });
        self.by_use.insert(used, id);
        while self.entries.len() > self.room {
            let Some((_, oldest)) = self.by_use.pop_first() else {
                break;
            };
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_not_used_for_longest_leaves() {
        let mut cache = Cache::new(2);
        let id = Uuid::from_u128;
        cache.keep(id(1), "one", Head::NONE);
        cache.keep(id(2), "two", Head::NONE);
        assert!(cache.find(id(1)).is_some());
        cache.keep(id(3), "three", Head::NONE);
        assert!(cache.find(id(2)).is_none());
        assert_eq!(cache.find(id(1)).unwrap().0, "one");
        assert_eq!(cache.entries.len(), cache.by_use.len());
    }

    #[test]
    fn an_older_state_never_replaces_a_newer_one() {
        let mut cache = Cache::new(2);
        let at = |version| Head {
            version,
            hash: [0; 32],
        };
        cache.keep(Uuid::nil(), "new", at(2));
        cache.keep(Uuid::nil(), "old", at(1));
        assert_eq!(cache.find(Uuid::nil()).unwrap().0, "new");
    }
}
