//! The one writer of one branch, as its callers see it. The work is done in `actor.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{mpsc, oneshot};

use crate::actor::Actor;
use crate::change::{Author, Change, Published, WriteError};
use crate::limits::Limits;
use crate::mirror::Branch;
use crate::stage::Job;
use crate::{GitError, Mirror};

/// The time commits carry, in microseconds UTC since 1970.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How many changes may wait before `submit` waits too.
const QUEUE: usize = 16_384;
/// A handle on the writer of one branch. Cloning gives another handle on the same one; it ends
/// when the last is dropped and everything queued is answered.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Job>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) pushes: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) commits: AtomicU64,
}

/// What a writer has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Pushes that landed.
    pub pushes: u64,
    /// Pushes that lost a race.
    pub lost: u64,
    /// Commits that landed.
    pub commits: u64,
}

impl Writer {
    /// Starts the writer of `branch`. There must be one per branch of a repository in the whole
    /// installation; two would be correct, but would race each other.
    pub fn spawn(
        mirror: Mirror,
        branch: &str,
        author: Author,
        limits: Limits,
        clock: Clock,
    ) -> Result<Self, GitError> {
        author.check()?;
        let branch = Branch::parse(branch)?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        let actor = Actor::new(mirror, branch, author, clock, limits, jobs, shared);
        tokio::spawn(actor.run());
        Ok(Self { queue, counts })
    }

    /// Publishes a change, once, however often it is submitted; answers when it is in the remote.
    /// Dropping the future does not take the change back.
    pub async fn submit(&self, change: Change) -> Result<Published, WriteError> {
        let (reply, answer) = oneshot::channel();
        let job = Job::new(change, reply)?;
        self.queue
            .send(job)
            .await
            .map_err(|_| WriteError::Stopped)?;
        answer.await.map_err(|_| WriteError::Stopped)?
    }

    /// What the writer has done so far.
    pub fn stats(&self) -> Stats {
        Stats {
            pushes: self.counts.pushes.load(Ordering::Relaxed),
            lost: self.counts.lost.load(Ordering::Relaxed),
            commits: self.counts.commits.load(Ordering::Relaxed),
        }
    }
}
