//! Everything after a position, then whatever is appended, in bounded memory.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::commit::Stored;
use crate::log::{Position, ReadError};

/// How many commits a subscription holds at most.
const PAGE: usize = 512;

/// A page ends once it holds this many bytes, so that a reader's memory is bounded whatever the
/// size of the commits.
pub const PAGE_BYTES: usize = 4 << 20;

/// Where a subscription reads from: one page after a position. Back ends implement it on what
/// their handles share, so that a subscription outlives the handle it came from.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// At most `limit` commits after a position, in order.
    async fn page(&self, after: Position, limit: usize) -> Result<Vec<Stored>, ReadError>;

    /// Whether the log still is what it was; asked when the announced tail did not move.
    fn check(&self) -> Result<(), ReadError> {
        Ok(())
    }
}

/// What a subscription gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// The next commit.
    Commit(Stored),
    /// Everything that was stored has been given, up to here. Comes once at first, and again
    /// each time the end is reached after more commits.
    CaughtUp(Position),
}

/// An ordered reader of a log. Pulls pages when asked: a slow reader costs writers nothing and
/// holds at most one page. Dropping a pending [`Subscription::next`] loses nothing.
pub struct Subscription {
    source: Arc<dyn Source>,
    tail: watch::Receiver<Position>,
    /// The tail announced last; it never goes back, unless the log lost something.
    seen: Position,
    given: Position,
    buffer: VecDeque<Stored>,
    told: bool,
}

impl Subscription {
    /// Reads `source` after a position; `tail` says that more may have come.
    pub fn new(source: Arc<dyn Source>, tail: watch::Receiver<Position>, after: Position) -> Self {
        let seen = *tail.borrow();
        Self {
            source,
            tail,
            seen,
            given: after,
            buffer: VecDeque::new(),
            told: false,
        }
    }

    /// The position of the last commit given.
    pub fn position(&self) -> Position {
        self.given
    }

    /// Waits for the next commit, or for the end of what is stored.
    pub async fn next(&mut self) -> Result<Item, ReadError> {
        loop {
            if let Some(stored) = self.buffer.pop_front() {
                self.given = stored.position;
                self.told = false;
                return Ok(Item::Commit(stored));
            }
            if self.fill().await? {
                continue;
            }
            if !self.told {
                self.told = true;
                return Ok(Item::CaughtUp(self.given));
            }
            self.wait().await?;
        }
    }

    /// Waits until there is something, then gives up to `limit` commits at once.
    pub async fn batch(&mut self, limit: usize) -> Result<Vec<Stored>, ReadError> {
        while self.buffer.is_empty() && !self.fill().await? {
            self.wait().await?;
        }
        let count = limit.min(self.buffer.len());
        let batch: Vec<_> = self.buffer.drain(..count).collect();
        if let Some(last) = batch.last() {
            self.given = last.position;
            self.told = false;
        }
        Ok(batch)
    }

    /// Reads the next page; says whether it held anything.
    async fn fill(&mut self) -> Result<bool, ReadError> {
        // Marked as seen before reading: what is appended while reading wakes the wait.
        let tail = *self.tail.borrow_and_update();
        if tail < self.seen {
            return Err(ReadError::Beyond {
                asked: self.given.0,
                tail: tail.0,
            });
        }
        self.seen = tail;
        if tail <= self.given {
            self.source.check()?;
            return Ok(false);
        }
        let mut page = self.source.page(self.given, PAGE).await?;
        // A commit can be readable a moment before it is announced; it comes when it is.
        page.retain(|it| it.position <= tail);
        self.buffer.extend(page);
        Ok(!self.buffer.is_empty())
    }

    async fn wait(&mut self) -> Result<(), ReadError> {
        self.tail.changed().await.map_err(|_| ReadError::Closed)
    }
}
