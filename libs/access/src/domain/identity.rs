//! An identity: a name, its groups, and the hash of its token.

use decider::Decider;

/// What is asked of an identity.
#[derive(Debug, Clone)]
pub enum Command {
    /// Create it, or give a revoked one a new token.
    Create {
        /// Its name.
        name: String,
        /// Its groups.
        groups: Vec<String>,
        /// A machine, not a person.
        is_service: bool,
        /// SHA-256 of its token.
        token_hash: [u8; 32],
        /// When the token stops being accepted, in microseconds since 1970; never without it.
        expires_at_us: Option<i64>,
    },
    /// Refuse its token from now on.
    Revoke,
}

/// What happens to an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// It was created, or got a new token.
    Created {
        /// Its name.
        name: String,
        /// Its groups.
        groups: Vec<String>,
        /// A machine, not a person.
        is_service: bool,
        /// SHA-256 of its token.
        token_hash: [u8; 32],
        /// When the token stops being accepted, in microseconds since 1970; never without it.
        expires_at_us: Option<i64>,
    },
    /// Its token is refused.
    Revoked,
}

/// What is known of an identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// Nobody has this name.
    #[default]
    Unknown,
    /// It may call.
    Active {
        /// Its groups.
        groups: Vec<String>,
    },
    /// It may not call any more.
    Revoked,
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The name is taken.
    #[error("the name is taken")]
    Taken,
    /// There is no such identity.
    #[error("there is no such identity")]
    Unknown,
}

/// Decides identities.
#[derive(Debug)]
pub struct Identity;

impl Decider for Identity {
    const KIND: &'static str = "identity";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Rejection> {
        match (state, command) {
            (State::Active { .. }, Command::Create { .. }) => Err(Rejection::Taken),
            (
                State::Unknown | State::Revoked,
                Command::Create {
                    name,
                    groups,
                    is_service,
                    token_hash,
                    expires_at_us,
                },
            ) => Ok(vec![Event::Created {
                name: name.clone(),
                groups: groups.clone(),
                is_service: *is_service,
                token_hash: *token_hash,
                expires_at_us: *expires_at_us,
            }]),
            (State::Active { .. }, Command::Revoke) => Ok(vec![Event::Revoked]),
            (State::Revoked, Command::Revoke) => Ok(vec![]),
            (State::Unknown, Command::Revoke) => Err(Rejection::Unknown),
        }
    }

    fn evolve(_: State, event: &Event) -> State {
        match event {
            Event::Created { groups, .. } => State::Active {
                groups: groups.clone(),
            },
            Event::Revoked => State::Revoked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decider::given;

    fn create(byte: u8) -> Command {
        Command::Create {
            name: "ci".into(),
            groups: vec!["ci".into()],
            is_service: true,
            token_hash: [byte; 32],
            expires_at_us: None,
        }
    }

    #[test]
    fn a_name_is_taken_until_it_is_revoked() {
        given::<Identity>([])
            .refuses(&Command::Revoke, &Rejection::Unknown)
            .when(&create(1))
            .refuses(&create(2), &Rejection::Taken)
            .then(&Command::Revoke, &[Event::Revoked])
            .then(&Command::Revoke, &[])
            .when(&create(2));
    }
}
