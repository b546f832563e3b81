//! Given some events, when a command comes, then these events follow: the one form in which
//! deciders are tested.

use std::fmt::Debug;

use crate::Decider;

/// A state reached by events.
pub struct Given<D: Decider> {
    state: D::State,
}

/// Starts a specification from the events that happened before.
pub fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
    let events: Vec<_> = events.into_iter().collect();
    Given {
        state: D::fold(D::State::default(), &events),
    }
}

#[expect(
    clippy::return_self_not_must_use,
    reason = "a specification may end with any assertion"
)]
impl<D: Decider> Given<D>
where
    D::Event: Debug + PartialEq,
    D::Rejection: Debug + PartialEq,
{
    /// Runs one command and folds what it decided; panics when it is refused.
    pub fn when(self, command: &D::Command) -> Self {
        match D::decide(&self.state, command) {
            Ok(events) => Self {
                state: D::fold(self.state, &events),
            },
            Err(rejection) => panic!("refused: {rejection:?}"),
        }
    }

    /// Asserts exactly which events the command decides, then folds them.
    pub fn then(self, command: &D::Command, expected: &[D::Event]) -> Self {
        match D::decide(&self.state, command) {
            Ok(events) => {
                assert_eq!(events, expected);
                Self {
                    state: D::fold(self.state, &events),
                }
            }
            Err(rejection) => panic!("refused: {rejection:?}"),
        }
    }

    /// Asserts why the command is refused.
    pub fn refuses(self, command: &D::Command, expected: &D::Rejection) -> Self {
        match D::decide(&self.state, command) {
            Ok(events) => panic!("not refused but decided {events:?}"),
            Err(rejection) => assert_eq!(&rejection, expected),
        }
        self
    }

    /// The state reached.
    pub fn state(&self) -> &D::State {
        &self.state
    }
}
