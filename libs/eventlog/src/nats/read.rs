//! Reading: heads, aggregates, pages, ids.

use async_nats::jetstream::message::StreamMessage;
use ids::{AggregateId, CommitId};

use super::api::{ApiError, Patience, Seek};
use super::cursor::{self, Cursor, Ground, Trouble, Wants};
use super::{Shared, message};
use crate::commit::{Head, Stored};
use crate::corrupt::{Corrupt, Place};
use crate::log::{Position, ReadError, Tail, chained};

/// Up to so many commits are asked for one by one; for more a consumer is made.
const ONE_BY_ONE: u64 = 16;

/// A page of so many is asked for one by one.
const SMALL_PAGE: u64 = 4;

/// What is known of an aggregate before a version that is asked for.
struct Base {
    version: u64,
    hash: [u8; 32],
    /// The first position at which the next version can be.
    from: u64,
}

impl Shared {
    pub(super) async fn head(&self, aggregate: &AggregateId) -> Result<Head, ReadError> {
        let last = self.last(aggregate).await?;
        Ok(last.map_or(Head::NONE, |it| it.commit.head()))
    }

    /// The last commit of an aggregate, by the leader.
    async fn last(&self, aggregate: &AggregateId) -> Result<Option<Stored>, ReadError> {
        let subject = message::subject(&self.prefix, aggregate);
        let last = self.get(&Seek::Last(subject)).await?;
        if let Some(last) = &last {
            Self::lock(&self.shelf).note(last.position.0, &last.commit);
        }
        Ok(last)
    }

    pub(super) async fn get(&self, seek: &Seek) -> Result<Option<Stored>, ReadError> {
        self.answers()?;
        let asking = async {
            let found = self.api.get(&self.stream, seek).await?;
            Ok(found)
        };
        let found = self.unless_halted(asking).await?;
        Ok(found.map(|it| self.opened(it)).transpose()?)
    }

    fn opened(&self, it: StreamMessage) -> Result<Stored, Corrupt> {
        message::open(
            &self.prefix,
            it.sequence,
            &it.subject,
            &it.headers,
            it.payload,
        )
    }

    pub(super) async fn load(
        &self,
        aggregate: &AggregateId,
        after: u64,
    ) -> Result<Vec<Stored>, ReadError> {
        let last = self.last(aggregate).await?;
        let version = last.as_ref().map_or(0, |it| it.commit.version);
        if after > version {
            let asked = after;
            let tail = version;
            return Err(ReadError::Beyond { asked, tail });
        }
        let (Some(last), true) = (last, after < version) else {
            return Ok(Vec::new());
        };
        let base = self.base(aggregate, after);
        let subject = message::subject(&self.prefix, aggregate);
        let commits = self
            .range(&subject, base.from, version - base.version, last)
            .await?;
        chained(aggregate, base.version, Some(base.hash), &commits)?;
        if commits.len() as u64 != version - base.version {
            let at = Place::new(aggregate, version, None).into();
            let expected = base.version + commits.len() as u64 + 1;
            return Err(Corrupt::VersionGap { at, expected }.into());
        }
        let mut shelf = Self::lock(&self.shelf);
        for stored in &commits {
            shelf.note(stored.position.0, &stored.commit);
        }
        drop(shelf);
        let is_asked = |it: &Stored| it.commit.version > after;
        Ok(commits.into_iter().filter(is_asked).collect())
    }

    /// The nearest place before the version after `after` that is known.
    fn base(&self, aggregate: &AggregateId, after: u64) -> Base {
        let mut shelf = Self::lock(&self.shelf);
        let nothing = Base {
            version: 0,
            hash: [0; 32],
            from: 1,
        };
        let Some(known) = shelf.find(aggregate) else {
            return nothing;
        };
        let version = after.min(known.head().version);
        known.at(version).map_or(nothing, |it| Base {
            version,
            hash: it.hash,
            from: it.position + 1,
        })
    }

    /// `count` commits of one subject from a position on; `last` is the last of them.
    async fn range(
        &self,
        subject: &str,
        from: u64,
        count: u64,
        last: Stored,
    ) -> Result<Vec<Stored>, ReadError> {
        if count > ONE_BY_ONE {
            let reading = self.through_consumer(subject, from, last.position.0);
            return self.unless_halted(reading).await;
        }
        let mut commits = Vec::new();
        let mut from = from;
        while (commits.len() as u64) + 1 < count {
            let next = self.get(&Seek::Next(from, subject.to_owned())).await?;
            match next {
                Some(next) if next.position < last.position => {
                    from = next.position.0 + 1;
                    commits.push(next);
                }
                Some(_) | None => break,
            }
        }
        commits.push(last);
        Ok(commits)
    }

    /// Through a consumer; a new one when it is lost.
    async fn through_consumer(
        &self,
        subject: &str,
        from: u64,
        last: u64,
    ) -> Result<Vec<Stored>, ReadError> {
        let mut commits: Vec<Stored> = Vec::new();
        let mut patience = Patience::new(&self.api.timeouts);
        loop {
            let from = commits.last().map_or(from, |it| it.position.0 + 1);
            let reading = self.collect(subject, from, last, &mut commits);
            let error = match tokio::time::timeout(self.api.timeouts.patience, reading).await {
                Ok(Ok(())) => return Ok(commits),
                Ok(Err(Trouble::Corrupt(corrupt))) => return Err(corrupt.into()),
                Ok(Err(Trouble::Api(error))) => error,
                Err(_) => ApiError::Away(format!("{subject} was not read to its end in time")),
            };
            if !patience.allows(&error).await {
                return Err(error.into());
            }
        }
    }

    async fn collect(
        &self,
        subject: &str,
        from: u64,
        last: u64,
        commits: &mut Vec<Stored>,
    ) -> Result<(), Trouble> {
        let wants = Wants {
            from,
            subject: Some(subject),
            headers_only: false,
        };
        let mut messages = cursor::messages(&self.api, &self.stream, wants).await?;
        while commits.last().is_none_or(|it| it.position.0 < last) {
            let message = cursor::next(&mut messages).await?;
            let position = cursor::position(&message)?;
            let message = message.split().0;
            let headers = message.headers.unwrap_or_default();
            let (of, payload) = (message.subject, message.payload);
            let stored = message::open(&self.prefix, position, &of, &headers, payload)?;
            let follows = commits
                .last()
                .is_none_or(|it| it.commit.version + 1 == stored.commit.version);
            if !follows {
                let from = commits.last().map_or(from, |it| it.position.0 + 1);
                let next = Seek::Next(from, subject.to_owned());
                let next = self.api.get(&self.stream, &next).await?;
                if next.is_some_and(|it| it.sequence < position) {
                    return Err(cursor::lost().into());
                }
            }
            commits.push(stored);
        }
        Ok(())
    }

    /// The last position, by the leader.
    pub(super) async fn tail_position(&self) -> Result<u64, ReadError> {
        self.answers()?;
        let highest = Self::lock(&self.highest).position.0;
        let asking = async {
            let mut patience = Patience::new(&self.api.timeouts);
            loop {
                let tail = self.api.info(&self.stream).await?.state.last_sequence;
                // A leader that was just elected, or a log that was rewound: the guard tells.
                let why = format!("the log ends at {tail}; it was read up to {highest}");
                if tail >= highest {
                    return Ok(tail);
                }
                let behind = ApiError::Away(why);
                if !patience.allows(&behind).await {
                    return Err(behind.into());
                }
            }
        };
        self.unless_halted(asking).await
    }

    pub(super) async fn tail(&self) -> Result<Tail, ReadError> {
        let position = Position(self.tail_position().await?);
        let highest = *Self::lock(&self.highest);
        if highest.position == position {
            return Ok(highest);
        }
        let found = self.get(&Seek::At(position.0)).await?;
        let missing = || Corrupt::PositionGap {
            at: Place::at(position).into(),
            expected: position,
        };
        let found = found.ok_or_else(missing)?;
        Ok(Tail {
            position,
            hash: found.commit.hash(),
        })
    }

    pub(super) fn ground(&self) -> Ground<'_> {
        Ground {
            api: &self.api,
            stream: &self.stream,
            prefix: &self.prefix,
        }
    }

    pub(super) async fn page(
        &self,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let tail = self.tail_position().await?;
        if after.0 > tail {
            let asked = after.0;
            return Err(ReadError::Beyond { asked, tail });
        }
        let count = (tail - after.0).min(limit as u64);
        if count <= SMALL_PAGE {
            let mut page = Vec::new();
            for position in after.0 + 1..=after.0 + count {
                page.extend(self.get(&Seek::At(position)).await?);
            }
            return Ok(page);
        }
        // Whoever reads page after page finds the reader where it left it.
        let mut own = Cursor::default();
        let mut kept = self.reader.try_lock().ok();
        let cursor = kept.as_deref_mut().unwrap_or(&mut own);
        let ground = self.ground();
        self.unless_halted(cursor.take(&ground, after.0, tail, limit))
            .await
    }

    pub(super) async fn resolve(
        &self,
        aggregate: &AggregateId,
        commit_id: CommitId,
    ) -> Result<Option<Stored>, ReadError> {
        if let Some(position) = self.on_aggregate(aggregate, commit_id).await? {
            return self.get(&Seek::At(position)).await;
        }
        let tail = self.tail_position().await?;
        self.followed_to(tail).await?;
        self.lately(commit_id).await
    }

    /// Where an aggregate has a commit of this id.
    pub(super) async fn on_aggregate(
        &self,
        aggregate: &AggregateId,
        commit_id: CommitId,
    ) -> Result<Option<u64>, ReadError> {
        self.known(aggregate).await?;
        let mut shelf = Self::lock(&self.shelf);
        let known = shelf.find(aggregate);
        Ok(known.and_then(|it| it.find(commit_id).map(|it| it.1.position)))
    }

    /// Makes everything that the leader has of an aggregate known, and says its end.
    pub(super) async fn known(&self, aggregate: &AggregateId) -> Result<Head, ReadError> {
        let Some(last) = self.last(aggregate).await? else {
            return Ok(Head::NONE);
        };
        let head = last.commit.head();
        let is_known = Self::lock(&self.shelf)
            .find(aggregate)
            .is_some_and(|it| it.head().version >= head.version);
        if !is_known {
            self.load(aggregate, 0).await?;
        }
        Ok(head)
    }

    /// A commit of this id among the last ones of the whole log.
    pub(super) async fn lately(&self, commit_id: CommitId) -> Result<Option<Stored>, ReadError> {
        let position = Self::lock(&self.recent).find(commit_id);
        let Some(position) = position else {
            return Ok(None);
        };
        let found = self.get(&Seek::At(position)).await?;
        Ok(found.filter(|it| it.commit.commit_id == commit_id))
    }
}
