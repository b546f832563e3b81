//! Numbers of one core and channel: given out once, in order, and never taken back. Counting
//! tags instead would give one number twice, and again after a tag was deleted.

use std::collections::{BTreeMap, BTreeSet};

use decider::Decider;
use ids::{Oid, Uuid};

/// What the numbers are added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The repository or registry; `*` for all registries.
    pub repository: String,
    /// Such as `storefront-2026.11`, or `v1.4` of the versions of commits.
    pub core: String,
    /// Such as `rc`.
    pub channel: String,
}

/// The only thing anyone asks: a number.
#[derive(Debug, Clone)]
pub struct Reserve {
    /// Of which core and channel.
    pub key: Key,
    /// The lowest number that would do.
    pub first: u64,
    /// Numbers that are in use although nobody reserved them here.
    pub taken: BTreeSet<u64>,
    /// What it is for; the same asker gets the same number.
    pub asker: Uuid,
    /// The source commit that it is for, when it is for one.
    pub commit: Option<Oid>,
}

/// The only thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// Of which core and channel.
    pub key: Key,
    /// The number.
    pub number: u64,
    /// What it is for.
    pub asker: Uuid,
    /// The source commit that it is for, when it is for one.
    pub commit: Option<Oid>,
}

/// Whose a number is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// What it is for.
    pub asker: Uuid,
    /// The source commit, when it is for one.
    pub commit: Option<Oid>,
}

/// Who has which number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    numbers: BTreeMap<u64, Owner>,
    of_askers: BTreeMap<Uuid, u64>,
}

impl State {
    /// The number that was reserved for something.
    pub fn number_of(&self, asker: Uuid) -> Option<u64> {
        self.of_askers.get(&asker).copied()
    }

    /// The numbers from `first` on, below `end`, and whose they are.
    pub fn between(&self, first: u64, end: u64) -> impl Iterator<Item = (u64, &Owner)> {
        let numbers = self.numbers.range(first..end.max(first));
        numbers.map(|(number, owner)| (*number, owner))
    }
}

/// Why a number is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There are no more.
    #[error("every number was given out")]
    Exhausted,
}

/// Decides numbers.
#[derive(Debug)]
pub struct Version;

impl Decider for Version {
    const KIND: &'static str = "version";
    type State = State;
    type Command = Reserve;
    type Event = Reserved;
    type Rejection = Rejection;

    fn decide(state: &State, command: &Reserve) -> Result<Vec<Reserved>, Rejection> {
        if state.number_of(command.asker).is_some() {
            return Ok(vec![]);
        }
        let mut number = match state.numbers.last_key_value() {
            None => command.first,
            Some((last, _)) => after(*last)?.max(command.first),
        };
        while command.taken.contains(&number) {
            number = after(number)?;
        }
        Ok(vec![Reserved {
            key: command.key.clone(),
            number,
            asker: command.asker,
            commit: command.commit.clone(),
        }])
    }

    fn evolve(mut state: State, event: &Reserved) -> State {
        let owner = Owner {
            asker: event.asker,
            commit: event.commit.clone(),
        };
        state.numbers.insert(event.number, owner);
        state.of_askers.insert(event.asker, event.number);
        state
    }
}

/// The next one. The largest number of all is never given out: nothing could come after it.
fn after(number: u64) -> Result<u64, Rejection> {
    let next = number.checked_add(1).filter(|it| *it < u64::MAX);
    next.ok_or(Rejection::Exhausted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use decider::given;

    fn reserve(who: u128) -> Reserve {
        Reserve {
            key: Key {
                repository: "*".into(),
                core: "storefront-2026.11".into(),
                channel: "rc".into(),
            },
            first: 0,
            taken: BTreeSet::new(),
            asker: Uuid::from_u128(who),
            commit: None,
        }
    }

    fn from(first: u64, taken: &[u64], who: u128) -> Reserve {
        Reserve {
            first,
            taken: taken.iter().copied().collect(),
            ..reserve(who)
        }
    }

    fn reserved(number: u64, who: u128) -> Reserved {
        Reserved {
            key: reserve(who).key,
            number,
            asker: Uuid::from_u128(who),
            commit: None,
        }
    }

    #[test]
    fn numbers_are_given_out_once_and_in_order() {
        let last = given::<Version>([])
            .then(&reserve(1), &[reserved(0, 1)])
            .then(&reserve(1), &[])
            .then(&reserve(2), &[reserved(1, 2)])
            .then(&reserve(1), &[]);
        assert_eq!(last.state().number_of(Uuid::from_u128(2)), Some(1));
        for last in [u64::MAX, u64::MAX - 1] {
            let full = given::<Version>([reserved(last, 1)]);
            let _refused = full.refuses(&reserve(2), &Rejection::Exhausted);
        }
    }

    #[test]
    fn numbers_in_use_elsewhere_are_left_out_and_none_below_the_first_is_given() {
        let last = given::<Version>([])
            .then(&from(4, &[], 1), &[reserved(4, 1)])
            .then(&from(4, &[5, 6], 2), &[reserved(7, 2)])
            // Whoever got a number keeps it, whatever is in use by now.
            .then(&from(9, &[4], 1), &[])
            .then(&from(12, &[], 3), &[reserved(12, 3)])
            .then(&from(4, &[], 4), &[reserved(13, 4)]);
        let owners = last.state().between(4, 13);
        let owners: Vec<_> = owners.map(|(it, of)| (it, of.asker.as_u128())).collect();
        assert_eq!(owners, [(4, 1), (7, 2), (12, 3)]);
        assert_eq!(last.state().between(13, 4).count(), 0);
    }
}
