//! Identities in memory, kept up to date from the log: from a token to the one who holds it.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use eventlog::{Codec as _, EventLog, Item, Position, ReadError, Stored};
use sha2::Digest as _;

use crate::domain::identity::{Event, Identity};
use crate::{Principal, Token};

/// One identity, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Who it is.
    pub principal: Principal,
    /// Its token is refused.
    pub is_revoked: bool,
}

impl Unauthenticated {
    /// What to do about it.
    pub fn fix(self) -> &'static str {
        match self {
            Self::Missing => {
                "send `authorization: Bearer <token>`; `towpath access create` makes a token"
            }
            Self::Unknown => {
                "check which installation the token is for; `towpath access create` makes one"
            }
            Self::Revoked => "ask an admin for a new one: `towpath access create`",
        }
    }
}

#[derive(Debug, Default)]
struct Known {
    by_token: BTreeMap<[u8; 32], ids::Uuid>,
    by_id: BTreeMap<ids::Uuid, (Listed, [u8; 32])>,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unauthenticated {
    /// No token came.
    #[error("the call carries no token")]
    Missing,
    /// Nobody has this token.
    #[error("the token is not known here")]
    Unknown,
    /// The token was revoked.
    #[error("the token was revoked")]
    Revoked,
}

/// All identities. Clones share what they know.
#[derive(Debug, Clone, Default)]
pub struct Directory(Arc<RwLock<Known>>);

impl Directory {
    /// Who holds `token`.
    pub fn authenticate(&self, token: &str) -> Result<Principal, Unauthenticated> {
        let hash = hash(token);
        let known = self
            .0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Looking up a hash leaks nothing about a token that does not exist.
        let id = known.by_token.get(&hash).ok_or(Unauthenticated::Unknown)?;
        match known.by_id.get(id) {
            Some((listed, current)) if !listed.is_revoked && *current == hash => {
                Ok(listed.principal.clone())
            }
            _ => Err(Unauthenticated::Revoked),
        }
    }

    /// Everybody, by name.
    pub fn list(&self) -> Vec<Listed> {
        let known = self
            .0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut all: Vec<_> = known
            .by_id
            .values()
            .map(|(listed, _)| listed.clone())
            .collect();
        all.sort_by(|a, b| a.principal.name.cmp(&b.principal.name));
        all
    }

    /// Takes in one commit; those of other aggregates change nothing.
    pub fn observe(&self, stored: &Stored) -> Result<(), ReadError> {
        let aggregate = &stored.commit.aggregate;
        if aggregate.kind() != <Identity as decider::Decider>::KIND {
            return Ok(());
        }
        let mut known = self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for record in &stored.commit.events {
            match Identity::decode(record)? {
                Event::Created {
                    name,
                    groups,
                    is_service,
                    token_hash,
                } => {
                    let principal = Principal {
                        name,
                        groups,
                        is_service,
                    };
                    known.by_token.insert(token_hash, aggregate.id());
                    known.by_id.insert(
                        aggregate.id(),
                        (
                            Listed {
                                principal,
                                is_revoked: false,
                            },
                            token_hash,
                        ),
                    );
                }
                Event::Revoked => {
                    if let Some((listed, _)) = known.by_id.get_mut(&aggregate.id()) {
                        listed.is_revoked = true;
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the log up to its tail, then goes on following it until the task is dropped or the
    /// log fails.
    pub async fn follow(
        &self,
        log: Arc<dyn EventLog>,
        caught_up: impl FnOnce(),
    ) -> Result<(), ReadError> {
        let mut caught_up = Some(caught_up);
        let mut subscription = log.subscribe(Position(0)).await?;
        loop {
            match subscription.next().await? {
                Item::Commit(stored) => self.observe(&stored)?,
                Item::CaughtUp(_) => {
                    if let Some(tell) = caught_up.take() {
                        tell();
                    }
                }
            }
        }
    }
}

/// What is stored of a token.
pub fn hash(token: &str) -> [u8; 32] {
    sha2::Sha256::digest(token.as_bytes()).into()
}

impl Token {
    /// What is stored of it.
    pub fn hash(&self) -> [u8; 32] {
        hash(self.reveal())
    }
}
