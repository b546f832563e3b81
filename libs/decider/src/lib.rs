//! The pure pair: `decide` says what happens, `evolve` says what that makes of the state.
//!
//! Nothing here can wait, read a clock or touch the world; it is the only thing of the event
//! log that `domain/` modules may know. Words: reference "decide / evolve", as in fmodel
//! (<https://fraktalio.com/fmodel/>).

#![warn(missing_docs)]

mod spec;

pub use spec::{Given, given};

/// One kind of aggregate: how commands become events and events become state.
pub trait Decider {
    /// The kind under which its events are stored, such as `deployment`. Never changes.
    const KIND: &'static str;
    /// What is known after some events; the default is "nothing happened yet".
    type State: Clone + Default;
    /// Something asked for, imperative.
    type Command;
    /// Something that happened, past tense.
    type Event: Clone;
    /// Why a command is refused. Nothing broke: trying again changes nothing.
    type Rejection;

    /// Says what happens when `command` meets `state`. No events means "already so".
    fn decide(
        state: &Self::State,
        command: &Self::Command,
    ) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// Says what `event` makes of `state`. Total: it never fails and never ignores what it knows.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// Folds events onto a state.
    fn fold<'a>(
        state: Self::State,
        events: impl IntoIterator<Item = &'a Self::Event>,
    ) -> Self::State
    where
        Self::Event: 'a,
    {
        events.into_iter().fold(state, Self::evolve)
    }
}
