//! Load, decide, append: the one way in which commands become commits.

mod cache;
mod command;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use decider::Decider;
use ids::{AggregateId, CommitId, Uuid, derive};
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::codec::Codec;
use crate::commit::{Draft, EventRecord, Head, SealedCommit, Stored};
use crate::corrupt::{Corrupt, Place};
use crate::log::{AppendError, Appended, EventLog, ReadError};
use crate::observer::{Observer, Outcome, observer};
use cache::Cache;
pub use command::{Context, Done, ExecuteError, Idempotency, Loaded, LogError};

/// Aggregates kept in memory.
const CACHED: usize = 4096;

/// Commands on one aggregate wait for each other within a process, so that they lose no races
/// against themselves. This many aggregates are told apart.
const TURNS: usize = 256;

/// How often a command is decided again after a lost race.
const TRIES: u32 = 5;

/// How often an unknown outcome is looked up.
const LOOKUPS: u32 = 5;

/// The aggregates of one kind.
pub struct Repository<D: Decider> {
    log: Arc<dyn EventLog>,
    epoch: OnceCell<u32>,
    cache: Mutex<Cache<D::State>>,
    turns: Vec<tokio::sync::Mutex<()>>,
}

/// What became of one append.
enum Landed {
    At(Appended),
    Elsewhere,
}

impl<D> Repository<D>
where
    D: Decider + Codec<Event = <D as Decider>::Event>,
    D::State: Send + Sync,
    <D as Decider>::Event: Send + Sync,
    D::Command: Sync,
    D::Rejection: Send,
{
    /// The aggregates of one kind in a log.
    pub fn new(log: Arc<dyn EventLog>) -> Self {
        Self {
            log,
            epoch: OnceCell::new(),
            cache: Mutex::new(Cache::new(CACHED)),
            turns: (0..TURNS).map(|_| tokio::sync::Mutex::default()).collect(),
        }
    }

    /// The log.
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.log
    }

    /// An aggregate as it is now: what is cached, and everything after it.
    pub async fn load(&self, id: Uuid) -> Result<Loaded<D::State>, ReadError> {
        let aggregate = AggregateId::new(D::KIND, id);
        let cached = self.cache(|it| it.find(id));
        let (state, head) = cached.unwrap_or_else(|| (D::State::default(), Head::NONE));
        let commits = self.log.load(&aggregate, head.version).await?;
        if commits.is_empty() {
            return Ok(Loaded { state, head });
        }
        let loaded = fold::<D>(&aggregate, Loaded { state, head }, &commits)?;
        self.keep(id, &loaded);
        Ok(loaded)
    }

    /// An aggregate as it was at a version, folded from its beginning; at its last version when
    /// it never got that far.
    pub async fn load_at(&self, id: Uuid, version: u64) -> Result<Loaded<D::State>, ReadError> {
        let aggregate = AggregateId::new(D::KIND, id);
        let mut commits = self.log.load(&aggregate, 0).await?;
        commits.retain(|it| it.commit.version <= version);
        let nothing = Loaded {
            state: D::State::default(),
            head: Head::NONE,
        };
        fold::<D>(&aggregate, nothing, &commits)
    }

    /// Decides a command on the present state and appends what follows from it.
    ///
    /// A lost race is decided again on the new state. An unknown outcome is looked up by the
    /// commit id. A key that was used before gives what was done then. A command that changes
    /// nothing stores nothing, its key included.
    pub async fn execute(
        &self,
        id: Uuid,
        context: &Context,
        command: &D::Command,
    ) -> Result<Done<D>, ExecuteError<D::Rejection>> {
        let began = Instant::now();
        let result = self.decide_and_append(id, context, command).await;
        if let Some(observer) = observer() {
            observer.commanded(D::KIND, result.is_ok(), began.elapsed());
        }
        result
    }

    async fn decide_and_append(
        &self,
        id: Uuid,
        context: &Context,
        command: &D::Command,
    ) -> Result<Done<D>, ExecuteError<D::Rejection>> {
        let aggregate = AggregateId::new(D::KIND, id);
        let _turn = self.turn(id).lock().await;
        for _ in 0..TRIES {
            if let Some(done) = self.repeated(&aggregate, context).await? {
                return Ok(done);
            }
            let loaded = self.load(id).await?;
            let decided = D::decide(&loaded.state, command);
            let events = match decided {
                Ok(events) if !events.is_empty() => events,
                nothing => return self.nothing(&aggregate, context, loaded, nothing).await,
            };
            let commit = self
                .seal(&aggregate, context, &loaded.head, &events)
                .await?;
            if let Landed::At(appended) = self.store(&commit).await? {
                let state = D::fold(loaded.state, &events);
                let head = commit.head();
                let now = Loaded { state, head };
                self.keep(id, &now);
                return Ok(Done {
                    state: now.state,
                    version: head.version,
                    position: Some(appended.position),
                    events,
                    repeated: false,
                });
            }
            tokio::task::yield_now().await;
        }
        // The race may have been lost to the same command, sent twice.
        match self.repeated(&aggregate, context).await? {
            Some(done) => Ok(done),
            None => Err(ExecuteError::Lost(aggregate)),
        }
    }

    /// A command that is refused or changes nothing. The same command may have been done by
    /// another process since the key was looked up: then that is the answer.
    async fn nothing(
        &self,
        aggregate: &AggregateId,
        context: &Context,
        loaded: Loaded<D::State>,
        decided: Result<Vec<<D as Decider>::Event>, D::Rejection>,
    ) -> Result<Done<D>, ExecuteError<D::Rejection>> {
        if let Some(done) = self.repeated(aggregate, context).await? {
            return Ok(done);
        }
        let events = decided.map_err(ExecuteError::Rejected)?;
        Ok(Done {
            state: loaded.state,
            version: loaded.head.version,
            position: None,
            events,
            repeated: false,
        })
    }

    async fn repeated(
        &self,
        aggregate: &AggregateId,
        context: &Context,
    ) -> Result<Option<Done<D>>, ExecuteError<D::Rejection>> {
        let Some(key) = &context.idempotency else {
            return Ok(None);
        };
        let Some(stored) = self.log.resolve(aggregate, key.commit_id).await? else {
            return Ok(None);
        };
        let commit = &stored.commit;
        if commit.request_hash != Some(key.request_hash) || commit.aggregate != *aggregate {
            return Err(ExecuteError::Reused);
        }
        let then = self.load_at(aggregate.id(), commit.version).await?;
        Ok(Some(Done {
            state: then.state,
            version: commit.version,
            position: Some(stored.position),
            events: decode::<D>(&stored)?,
            repeated: true,
        }))
    }

    async fn seal(
        &self,
        aggregate: &AggregateId,
        context: &Context,
        head: &Head,
        events: &[<D as Decider>::Event],
    ) -> Result<SealedCommit, ReadError> {
        let epoch = self
            .epoch
            .get_or_try_init(async || Ok::<_, ReadError>(self.log.identity().await?.epoch))
            .await?;
        let events: Vec<_> = events.iter().map(D::encode).collect();
        let commit_id = match &context.idempotency {
            Some(key) => key.commit_id,
            None => content_id(aggregate, head.version + 1, context.now_us, &events),
        };
        let draft = Draft {
            aggregate: aggregate.clone(),
            commit_id,
            recorded_at_us: context.now_us,
            actor: context.actor.clone(),
            correlation: context.correlation,
            causation: context.causation,
            request_hash: context.idempotency.map(|it| it.request_hash),
            traceparent: observer().and_then(Observer::traceparent),
            events,
        };
        Ok(SealedCommit::seal(draft, head, *epoch))
    }

    /// Appends one sealed commit until it is known what became of it.
    async fn store(&self, commit: &SealedCommit) -> Result<Landed, ExecuteError<D::Rejection>> {
        let mut unknown = false;
        for lookup in 0..LOOKUPS {
            match self.append(commit).await {
                Ok(appended) => return Ok(Landed::At(appended)),
                Err(AppendError::Conflict { .. } | AppendError::CommitIdTaken { .. }) => {
                    // It may have been this very commit that took the version.
                    return match self.find(commit, unknown).await? {
                        Some(landed) => Ok(landed),
                        None => Ok(Landed::Elsewhere),
                    };
                }
                Err(AppendError::Ambiguous(why)) => {
                    tracing::warn!(%why, aggregate = %commit.aggregate, "outcome of an append is unknown");
                    unknown = true;
                }
                // Nothing stored this time, but an earlier try is still unknown.
                Err(AppendError::Unavailable(_) | AppendError::Full(_)) if unknown => {}
                Err(other) => return Err(other.into()),
            }
            tokio::time::sleep(Duration::from_millis(20 << lookup)).await;
            match self.find(commit, true).await {
                Ok(Some(landed)) => return Ok(landed),
                Ok(None) | Err(ReadError::Unavailable(_)) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(ExecuteError::OutcomeUnknown)
    }

    async fn append(&self, commit: &SealedCommit) -> Result<Appended, AppendError> {
        let began = Instant::now();
        let result = self.log.append(commit).await;
        if let Some(observer) = observer() {
            let outcome = match &result {
                Ok(_) => Outcome::Stored,
                Err(AppendError::Conflict { .. } | AppendError::CommitIdTaken { .. }) => {
                    Outcome::Conflict
                }
                Err(AppendError::Ambiguous(_)) => Outcome::Ambiguous,
                Err(
                    AppendError::Unavailable(_)
                    | AppendError::TooLarge { .. }
                    | AppendError::Full(_)
                    | AppendError::Fenced { .. }
                    | AppendError::Corrupt(_)
                    | AppendError::Lie(_)
                    | AppendError::Forbidden(_),
                ) => Outcome::Failed,
            };
            observer.appended(D::KIND, outcome, began.elapsed());
        }
        result
    }

    async fn find(&self, commit: &SealedCommit, look: bool) -> Result<Option<Landed>, ReadError> {
        if !look {
            return Ok(None);
        }
        let found = self.log.resolve(&commit.aggregate, commit.commit_id);
        Ok(found.await?.map(|stored| {
            if stored.commit.hash() == commit.hash() {
                Landed::At(Appended {
                    position: stored.position,
                    duplicate: true,
                })
            } else {
                Landed::Elsewhere
            }
        }))
    }

    fn turn(&self, id: Uuid) -> &tokio::sync::Mutex<()> {
        let last = id.as_bytes()[15];
        &self.turns[usize::from(last) % TURNS]
    }

    fn keep(&self, id: Uuid, loaded: &Loaded<D::State>) {
        self.cache(|it| it.keep(id, loaded.state.clone(), loaded.head));
    }

    fn cache<T>(&self, work: impl FnOnce(&mut Cache<D::State>) -> T) -> T {
        // A cache that a panic left behind is at worst older than the log.
        work(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The id of a commit that has no key: what it says, where, and when.
fn content_id(
    aggregate: &AggregateId,
    version: u64,
    now_us: i64,
    events: &[EventRecord],
) -> CommitId {
    let mut content = Sha256::new();
    for event in events {
        for part in [event.kind.as_bytes(), &event.payload[..]] {
            content.update((part.len() as u64).to_be_bytes());
            content.update(part);
        }
    }
    let content = ids::Digest::from_bytes(content.finalize().into());
    let (aggregate, version, now) = (
        aggregate.to_string(),
        version.to_string(),
        now_us.to_string(),
    );
    let parts = [&aggregate, &version, &now, content.hex()];
    CommitId(derive::id("commit-of-content", &parts))
}

fn decode<D>(stored: &Stored) -> Result<Vec<<D as Decider>::Event>, ReadError>
where
    D: Decider + Codec<Event = <D as Decider>::Event>,
{
    let events = stored.commit.events.iter();
    Ok(events.map(D::decode).collect::<Result<_, _>>()?)
}

fn fold<D>(
    aggregate: &AggregateId,
    from: Loaded<D::State>,
    commits: &[Stored],
) -> Result<Loaded<D::State>, ReadError>
where
    D: Decider + Codec<Event = <D as Decider>::Event>,
{
    let Loaded {
        mut state,
        mut head,
    } = from;
    for stored in commits {
        if stored.commit.prev_hash != head.hash {
            let at = Place::new(aggregate, stored.commit.version, Some(stored.position)).into();
            return Err(Corrupt::BrokenChain { at }.into());
        }
        state = D::fold(state, &decode::<D>(stored)?);
        head = stored.commit.head();
    }
    Ok(Loaded { state, head })
}

#[cfg(test)]
mod tests;
