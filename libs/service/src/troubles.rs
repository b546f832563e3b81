//! What a role cannot do at the moment, for whoever asks. Nothing of it is recorded: it is over
//! when the effect succeeds, here or in another replica.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eventlog::process::Retry;

/// Why what is named by a key did not work last time.
#[derive(Debug)]
pub struct Troubles<K>(Mutex<BTreeMap<K, String>>);

impl<K> Default for Troubles<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord> Troubles<K> {
    /// Notes how an attempt ended.
    pub fn note(&self, key: K, result: &Result<(), Retry>) {
        let mut all = self.all();
        match result {
            Ok(()) => all.remove(&key),
            Err(retry) => all.insert(key, retry.why.clone()),
        };
    }

    /// Forgets what is not asked for any more. Costs nothing while nothing is in trouble.
    pub fn keep(&self, asked: impl IntoIterator<Item = K>) {
        let mut all = self.all();
        if !all.is_empty() {
            let asked: BTreeSet<K> = asked.into_iter().collect();
            all.retain(|key, _| asked.contains(key));
        }
    }

    /// Why this does not work.
    pub fn of(&self, key: &K) -> Option<String> {
        self.all().get(key).cloned()
    }

    /// Each reason once, with the first key that has it and how many do.
    pub fn by_reason(&self) -> Vec<(K, usize, String)>
    where
        K: Clone,
    {
        let all = self.all();
        let mut reasons = BTreeMap::<&str, (&K, usize)>::new();
        for (key, why) in all.iter() {
            reasons.entry(why).or_insert((key, 0)).1 += 1;
        }
        let reasons = reasons.into_iter();
        reasons
            .map(|(why, (key, count))| (key.clone(), count, why.to_owned()))
            .collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<K, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn failed(why: &str) -> Result<(), Retry> {
        Err(Retry {
            after: Duration::from_secs(1),
            why: why.to_owned(),
        })
    }

    #[test]
    fn a_trouble_is_told_while_its_effect_is_asked_for_and_forgotten_after() {
        let troubles = Troubles::default();
        for key in [2, 3] {
            troubles.note(key, &failed(&format!("{key} is away")));
        }
        assert_eq!(troubles.of(&3).as_deref(), Some("3 is away"));
        assert_eq!(troubles.of(&4), None);
        troubles.keep([3]);
        assert_eq!(troubles.of(&2), None, "another replica did it");
        troubles.note(3, &Ok(()));
        assert!(troubles.by_reason().is_empty());
    }

    #[test]
    fn a_reason_is_told_once() {
        let troubles = Troubles::default();
        for key in [1, 2, 3] {
            troubles.note(key, &failed("no answer"));
        }
        troubles.note(4, &failed("not found"));
        troubles.note(1, &Ok(()));
        let told = troubles.by_reason();
        let expected = [
            (2, 2, "no answer".to_owned()),
            (4, 1, "not found".to_owned()),
        ];
        assert_eq!(told, expected);
    }
}
