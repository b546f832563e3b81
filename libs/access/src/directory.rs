//! Identities in memory, kept up to date from the log: from a token to the one who holds it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use eventlog::{
    Codec as _, EventLog, Item, Position, ReadError, Stored, Subscription, UnknownEvent,
};
use sha2::Digest as _;

use crate::domain::identity::{Event, Identity};
use crate::{Principal, Token};

/// How soon a log that could not be read is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// One identity, as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Who it is.
    pub principal: Principal,
    /// Its token is refused.
    pub is_revoked: bool,
    /// When its token stops being accepted, in microseconds since 1970; never without it.
    pub expires_at_us: Option<i64>,
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
            Self::Revoked | Self::Expired => "ask an admin for a new one: `towpath access create`",
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
    /// The time it was made for is over.
    #[error("the token has expired")]
    Expired,
}

/// All identities. Clones share what they know.
#[derive(Clone)]
pub struct Directory {
    known: Arc<RwLock<Known>>,
    now_us: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").finish_non_exhaustive()
    }
}

impl Directory {
    /// Knows nobody yet; tokens expire by this clock, in microseconds since 1970 UTC.
    pub fn new(now_us: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self {
            known: Arc::default(),
            now_us: Arc::new(now_us),
        }
    }

    /// Who holds `token`.
    pub fn authenticate(&self, token: &str) -> Result<Principal, Unauthenticated> {
        self.authenticate_at(token, (self.now_us)())
    }

    /// Who holds `token`, which was shown at a time before now. What was revoked since is refused
    /// all the same.
    pub fn authenticate_at(&self, token: &str, at_us: i64) -> Result<Principal, Unauthenticated> {
        let hash = hash(token);
        let known = self
            .known
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // Looking up a hash leaks nothing about a token that does not exist.
        let id = known.by_token.get(&hash).ok_or(Unauthenticated::Unknown)?;
        match known.by_id.get(id) {
            Some((listed, current)) if !listed.is_revoked && *current == hash => {
                if listed.expires_at_us.is_some_and(|end| end <= at_us) {
                    return Err(Unauthenticated::Expired);
                }
                Ok(listed.principal.clone())
            }
            _ => Err(Unauthenticated::Revoked),
        }
    }

    /// Everybody, by name.
    pub fn list(&self) -> Vec<Listed> {
        let known = self
            .known
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
            .known
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        for record in &stored.commit.events {
            match Identity::decode(record)? {
                Event::Created {
                    name,
                    groups,
                    is_service,
                    token_hash,
                    expires_at_us,
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
                                expires_at_us,
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
        let mut after = Position(0);
        let mut subscription = log.subscribe(after).await?;
        loop {
            match subscription.next().await {
                Ok(Item::Commit(stored)) => {
                    after = stored.position;
                    match self.observe(&stored) {
                        Err(ReadError::Unknown(why)) => self.set_aside(&stored, &why),
                        observed => observed?,
                    }
                }
                Ok(Item::CaughtUp(_)) => {
                    if let Some(tell) = caught_up.take() {
                        tell();
                    }
                }
                // Whoever is revoked meanwhile has to be known as soon as the log answers.
                Err(ReadError::Unavailable(why)) => {
                    tracing::warn!(%why, "identities cannot be followed for now");
                    tokio::time::sleep(PAUSE).await;
                    subscription = again(&log, after).await?;
                }
                Err(other) => return Err(other),
            }
        }
    }

    /// What happened to this identity is not known here: nobody is let in by its token.
    fn set_aside(&self, stored: &Stored, why: &UnknownEvent) {
        tracing::error!(position = %stored.position, %why, "an identity is set aside");
        let mut known = self
            .known
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let id = stored.commit.aggregate.id();
        if let Some((listed, _)) = known.by_id.get_mut(&id) {
            listed.is_revoked = true;
        }
    }
}

/// Reads on as soon as the log can be read.
async fn again(log: &Arc<dyn EventLog>, after: Position) -> Result<Subscription, ReadError> {
    loop {
        match log.subscribe(after).await {
            Err(ReadError::Unavailable(_)) => tokio::time::sleep(PAUSE).await,
            other => return other,
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use eventlog::{Draft, Head, SealedCommit};
    use ids::{AggregateId, CommitId, Uuid};

    use super::*;

    /// A token that is accepted until the clock says 10, and the clock.
    fn expiring() -> (Directory, Arc<AtomicI64>) {
        let clock = Arc::new(AtomicI64::new(9));
        let now = Arc::clone(&clock);
        let directory = Directory::new(move || now.load(Ordering::SeqCst));
        let created = Event::Created {
            name: "ci".to_owned(),
            groups: vec!["ci".to_owned()],
            is_service: true,
            token_hash: hash("token"),
            expires_at_us: Some(10),
        };
        let draft = Draft {
            aggregate: AggregateId::new("identity", Uuid::from_u128(1)),
            commit_id: CommitId(Uuid::from_u128(2)),
            recorded_at_us: 1,
            actor: "admin".to_owned(),
            correlation: None,
            causation: None,
            request_hash: None,
            traceparent: None,
            events: vec![Identity::encode(&created)],
        };
        let stored = Stored {
            position: Position(1),
            commit: SealedCommit::seal(draft, &Head::NONE, 1),
        };
        directory.observe(&stored).unwrap();
        (directory, clock)
    }

    #[test]
    fn a_token_is_accepted_until_its_time_is_over() {
        let (directory, clock) = expiring();
        assert_eq!(directory.authenticate("token").unwrap().name, "ci");
        clock.store(10, Ordering::SeqCst);
        assert_eq!(
            directory.authenticate("token"),
            Err(Unauthenticated::Expired)
        );
        assert_eq!(
            directory.authenticate("other"),
            Err(Unauthenticated::Unknown)
        );
    }

    #[test]
    fn a_token_shown_in_time_is_good_afterwards() {
        let (directory, clock) = expiring();
        clock.store(99, Ordering::SeqCst);
        assert!(directory.authenticate_at("token", 9).is_ok());
        assert_eq!(
            directory.authenticate_at("token", 10),
            Err(Unauthenticated::Expired)
        );
    }

    #[test]
    fn what_every_process_consumes_is_what_its_directory_takes_in() {
        let takes = |stored: &Stored| {
            let (directory, _) = expiring();
            let before = directory.list();
            match directory.observe(stored) {
                Ok(()) => Ok(directory.list() != before),
                Err(_) => Err(eventlog::UnknownEvent::new(
                    &stored.commit.events[0],
                    "unread",
                )),
            }
        };
        let taken = golden::Golden::of_this_project()
            .consumed("", takes)
            .unwrap();
        let listed = crate::CONSUMES
            .iter()
            .map(|it| it.event.to_owned())
            .collect();
        assert_eq!(taken, listed);
    }
}
