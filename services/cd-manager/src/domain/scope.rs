//! The scopes above a slot that can be held: an environment, an application set, an application
//! in every environment, or everything. A freeze is a hold of `environment` or `all`.

use decider::Decider;
use ids::Uuid;

use super::hold::{Hold, Holds};

/// What is asked of a scope.
#[derive(Debug, Clone)]
pub enum Command {
    /// Stop automatic promotion.
    Place(Hold),
    /// Let it go on.
    Release {
        /// The hold.
        id: Uuid,
        /// Why.
        reason: String,
    },
}

/// What happens to a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A hold was placed.
    Placed(Hold),
    /// A hold was released.
    Released {
        /// The hold.
        id: Uuid,
        /// Why.
        reason: String,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The hold is not there, or was released before.
    #[error("hold {0} is not in force here")]
    NoSuchHold(Uuid),
}

/// The aggregate of one scope.
#[derive(Debug)]
pub struct Scope;

impl Decider for Scope {
    const KIND: &'static str = "environment";
    type State = Holds;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &Holds, command: &Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Place(hold) if state.find(hold.id).is_some() => Ok(vec![]),
            Command::Place(hold) => Ok(vec![Event::Placed(hold.clone())]),
            Command::Release { id, reason } => match state.find(*id) {
                Some(_) => Ok(vec![Event::Released {
                    id: *id,
                    reason: reason.clone(),
                }]),
                None => Err(Rejection::NoSuchHold(*id)),
            },
        }
    }

    fn evolve(mut state: Holds, event: &Event) -> Holds {
        match event {
            Event::Placed(hold) => state.place(hold.clone()),
            Event::Released { id, .. } => state.release(*id),
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::super::hold::Source;
    use super::*;
    use decider::given;

    #[test]
    fn a_hold_is_placed_once_and_released_once() {
        let hold = Hold {
            id: Uuid::from_u128(1),
            scope: "all".into(),
            subject: String::new(),
            reason: "freeze".into(),
            until_us: Some(10),
            source: Source::Person,
        };
        let release = Command::Release {
            id: hold.id,
            reason: "over".into(),
        };
        let placed = given::<Scope>([])
            .when(&Command::Place(hold.clone()))
            .then(&Command::Place(hold.clone()), &[]);
        assert_eq!(placed.state().active(9).count(), 1);
        assert_eq!(placed.state().active(10).count(), 0);
        let _state = placed
            .when(&release)
            .refuses(&release, &Rejection::NoSuchHold(hold.id));
    }
}
