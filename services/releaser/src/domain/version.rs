//! Numbers of one core and channel: given out once, in order, and never taken back. Counting
//! tags instead would give one number twice, and again after a tag was deleted.

use std::collections::BTreeMap;

use decider::Decider;
use ids::Uuid;

/// What the numbers are added to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The repository or registry; `*` for all registries.
    pub repository: String,
    /// Such as `storefront-2026.11`.
    pub core: String,
    /// Such as `rc`.
    pub channel: String,
}

/// The only thing anyone asks: a number.
#[derive(Debug, Clone)]
pub struct Reserve {
    /// Of which core and channel.
    pub key: Key,
    /// The first number there.
    pub first: u32,
    /// What it is for; the same asker gets the same number.
    pub asker: Uuid,
}

/// The only thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reserved {
    /// Of which core and channel.
    pub key: Key,
    /// The number.
    pub number: u32,
    /// What it is for.
    pub asker: Uuid,
}

/// Who has which number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State(BTreeMap<u32, Uuid>);

impl State {
    /// The number that was reserved for something.
    pub fn number_of(&self, asker: Uuid) -> Option<u32> {
        let mut all = self.0.iter();
        all.find(|(_, it)| **it == asker).map(|it| *it.0)
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
        let number = match state.0.last_key_value() {
            None => command.first,
            Some((last, _)) => last.checked_add(1).ok_or(Rejection::Exhausted)?,
        };
        Ok(vec![Reserved {
            key: command.key.clone(),
            number,
            asker: command.asker,
        }])
    }

    fn evolve(mut state: State, event: &Reserved) -> State {
        state.0.insert(event.number, event.asker);
        state
    }
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
            asker: Uuid::from_u128(who),
        }
    }

    fn reserved(number: u32, who: u128) -> Reserved {
        Reserved {
            key: reserve(who).key,
            number,
            asker: Uuid::from_u128(who),
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
        let _full =
            given::<Version>([reserved(u32::MAX, 1)]).refuses(&reserve(2), &Rejection::Exhausted);
    }
}
