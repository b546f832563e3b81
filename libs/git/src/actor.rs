//! The work of a writer: batches, pushes, and the answer to lost races.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use gix::ObjectId;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::answer::{fail, refuse, settle};
use crate::change::{Author, WriteError};
use crate::limits::{Bucket, Limits};
use crate::mirror::Branch;
use crate::published::Standing;
use crate::refused::PushOutcome;
use crate::stage::{Job, Staged, stage};
use crate::writer::{Clock, Counts};
use crate::{GitError, Mirror};

/// When changes came in while a push was under way, the branch is busy: this long others may
/// join them, and somebody else may push. A change that finds the branch idle does not wait.
const LINGER: Duration = Duration::from_millis(20);
/// A branch on which nobody has pushed for this long is not being raced for.
const GAP_MAX: Duration = Duration::from_millis(150);
/// How often a push may fail on a branch that does not move, before a lock is called stale.
const STUCK_MAX: u32 = 24;
/// How often a push may break off, before the remote is called unreachable.
const BROKEN_MAX: u32 = 3;

/// The task behind all handles of one writer.
pub(crate) struct Actor {
    mirror: Mirror,
    branch: Branch,
    author: Author,
    clock: Clock,
    jobs: mpsc::Receiver<Job>,
    counts: Arc<Counts>,
    bucket: Bucket,
    standing: Standing,
    /// Where the branch was when it was last seen.
    known: Option<ObjectId>,
    /// Changes came in while the last push was under way.
    busy: bool,
}

/// How the work on one batch is going.
#[derive(Default)]
struct Progress {
    tries: u32,
    stuck: u32,
    broken: u32,
    /// The tip the last lost push was made for.
    lost_at: Option<ObjectId>,
    /// The remote has to be asked: what is known has proved to be old.
    ask: bool,
}

/// What to do after one attempt.
enum Next {
    Done,
    Again(Vec<Job>),
    /// The remote objects to something in the batch: each half on its own.
    Split(Vec<Job>),
}

impl Actor {
    pub(crate) fn new(
        mirror: Mirror,
        branch: Branch,
        author: Author,
        clock: Clock,
        limits: Limits,
        jobs: mpsc::Receiver<Job>,
        counts: Arc<Counts>,
    ) -> Self {
        Self {
            bucket: Bucket::new(limits, Instant::now()),
            mirror,
            branch,
            author,
            clock,
            jobs,
            counts,
            standing: Standing::default(),
            known: None,
            busy: false,
        }
    }

    /// Works until the last handle is dropped and the queue is empty.
    pub(crate) async fn run(mut self) {
        while let Some(first) = self.jobs.recv().await {
            let mut groups = vec![vec![first]];
            while let Some(mut jobs) = groups.pop() {
                let mut progress = Progress::default();
                loop {
                    self.token().await;
                    if groups.is_empty() {
                        self.take_queued(&mut jobs);
                    }
                    match self.attempt(jobs, &mut progress).await {
                        Next::Done => break,
                        Next::Again(rest) => jobs = rest,
                        Next::Split(mut rest) => {
                            let second = rest.split_off(rest.len() / 2);
                            groups.push(second);
                            groups.push(rest);
                            break;
                        }
                    }
                }
            }
            if std::mem::take(&mut self.busy) {
                tokio::time::sleep(LINGER).await;
            }
        }
    }

    /// Waits until a push is allowed.
    async fn token(&mut self) {
        while let Err(later) = self.bucket.take(Instant::now()) {
            tokio::time::sleep_until(later).await;
        }
    }

    fn take_queued(&mut self, jobs: &mut Vec<Job>) {
        while let Ok(job) = self.jobs.try_recv() {
            jobs.push(job);
        }
    }

    /// Stages the batch on the newest tip and pushes it once.
    async fn attempt(&mut self, jobs: Vec<Job>, progress: &mut Progress) -> Next {
        let (old, jobs, mut staged) = match self.prepare(jobs, progress).await {
            Ok(prepared) => prepared,
            Err((jobs, why)) => return stop(jobs, why),
        };
        let new = staged.tip;
        if staged.commits.is_empty() {
            self.bucket.give_back();
            settle(jobs, staged, old, progress.tries);
            return Next::Done;
        }
        progress.tries += 1;
        let outcome = match staged.pack.take() {
            Some(pack) => match self.mirror.store(pack).await {
                Ok(()) => self.mirror.push(&self.branch, old, new).await,
                Err(why) => return stop(jobs, why),
            },
            None => self.mirror.push(&self.branch, old, new).await,
        };
        // Looked at before anybody is answered: who waits for one change and then submits the
        // next one does not make a branch busy.
        self.busy = !self.jobs.is_empty();
        tracing::debug!(branch = %self.branch.name, %old, %new, changes = jobs.len(), tries = progress.tries, ?outcome, "pushed");
        match outcome {
            Ok(PushOutcome::Landed) => {
                self.landed(new, &staged).await;
                settle(jobs, staged, old, progress.tries);
                Next::Done
            }
            Ok(PushOutcome::Lost { reason }) => self.lost(jobs, old, reason, progress).await,
            Ok(PushOutcome::Declined {
                looked_at_content: true,
                ..
            }) if staged.commits.len() > 1 => Next::Split(jobs),
            Ok(PushOutcome::Declined { text, .. }) => {
                let rejected = WriteError::Rejected {
                    place: self.mirror.url().to_owned(),
                    branch: self.branch.name.clone(),
                    text,
                };
                refuse(jobs, staged, old, &rejected, progress.tries);
                Next::Done
            }
            Err(why) => self.broken(jobs, why, progress).await,
        }
    }

    /// Finds the tip and stages the batch on it. On a local remote the tip is read again when
    /// the edits are done: what is remembered makes the second staging a matter of milliseconds,
    /// and the shorter the time between reading a tip and pushing onto it, the fewer races are
    /// lost.
    async fn prepare(
        &mut self,
        mut jobs: Vec<Job>,
        progress: &mut Progress,
    ) -> Result<(ObjectId, Vec<Job>, Staged), (Vec<Job>, GitError)> {
        let trusted = self
            .known
            .filter(|_| !self.mirror.is_local() && !progress.ask);
        let mut asked = trusted.is_none();
        let mut tip = match trusted {
            Some(tip) => tip,
            None => match self.mirror.follow(&self.branch).await {
                Ok(tip) => tip,
                Err(why) => return Err((jobs, why)),
            },
        };
        for _ in 0..4 {
            let staged;
            (jobs, staged) = self.stage(jobs, tip).await?;
            // Anything but a new commit is an answer about the branch as it is now; only a push
            // proves that what is known is not old.
            let proven = staged.commits.len() == jobs.len();
            let look_again = if self.mirror.is_local() {
                staged.ran && !staged.commits.is_empty()
            } else {
                !asked && !proven
            };
            if !look_again {
                self.known = Some(tip);
                return Ok((tip, jobs, staged));
            }
            asked = true;
            let newest = match self.mirror.follow(&self.branch).await {
                Ok(newest) => newest,
                Err(why) => return Err((jobs, why)),
            };
            self.known = Some(newest);
            if newest == tip {
                return Ok((tip, jobs, staged));
            }
            tip = newest;
        }
        let staged;
        (jobs, staged) = self.stage(jobs, tip).await?;
        Ok((tip, jobs, staged))
    }

    /// Runs the staging off the async threads.
    async fn stage(
        &mut self,
        mut jobs: Vec<Job>,
        tip: ObjectId,
    ) -> Result<(Vec<Job>, Staged), (Vec<Job>, GitError)> {
        let mut standing = std::mem::take(&mut self.standing);
        let (author, now_us) = (self.author.clone(), (self.clock)());
        let finished = self
            .mirror
            .blocking("preparing commits", move |inner, repository| {
                let staged = stage(
                    inner,
                    repository,
                    &mut standing,
                    &mut jobs,
                    tip,
                    &author,
                    now_us,
                );
                Ok((jobs, standing, staged))
            })
            .await;
        match finished {
            Ok((jobs, standing, Ok(staged))) => {
                self.standing = standing;
                Ok((jobs, staged))
            }
            Ok((jobs, _, Err(why))) => Err((jobs, why)),
            Err(why) => Err((Vec::new(), why)),
        }
    }

    /// The push landed: the next batch starts from here.
    async fn landed(&mut self, new: ObjectId, staged: &Staged) {
        self.standing.landed(&staged.commits, staged.time);
        self.known = Some(new);
        if let Err(why) = self.mirror.note(&self.branch, new).await {
            tracing::warn!(%why, "the mirror did not take note of a push; the next fetch will");
        }
        let commits = u64::try_from(staged.commits.len()).unwrap_or(u64::MAX);
        self.counts.pushes.fetch_add(1, Ordering::Relaxed);
        self.counts.commits.fetch_add(commits, Ordering::Relaxed);
    }

    /// Somebody else was faster: again, at once when the branch has moved, and a little later
    /// when it is only locked.
    async fn lost(
        &mut self,
        jobs: Vec<Job>,
        old: ObjectId,
        reason: String,
        progress: &mut Progress,
    ) -> Next {
        self.counts.lost.fetch_add(1, Ordering::Relaxed);
        progress.ask = true;
        self.mirror.0.forget_remote();
        if progress.lost_at.replace(old) == Some(old) {
            progress.stuck += 1;
        } else {
            progress.stuck = 0;
        }
        tracing::info!(branch = %self.branch.name, tries = progress.tries, stuck = progress.stuck, reason, "lost a race for the branch");
        if progress.stuck >= STUCK_MAX {
            let place = self.mirror.url().to_owned();
            let detail = reason;
            return stop(jobs, GitError::Locked { place, detail });
        }
        if progress.stuck > 0 {
            tokio::time::sleep(pause(&jobs, progress.stuck)).await;
        } else if progress.tries > 1 && self.mirror.is_local() {
            self.wait_for_a_gap().await;
        }
        Next::Again(jobs)
    }

    /// Waits until somebody else's push has landed, or nobody pushes. Whoever pushes again and
    /// again needs some time for it, so right behind a push is where the longest gap begins; two
    /// that push in the same rhythm could otherwise meet for ever, and the slower one lose.
    async fn wait_for_a_gap(&self) {
        let end = Instant::now() + GAP_MAX;
        let mut seen = None;
        while Instant::now() < end {
            match self.mirror.follow(&self.branch).await {
                Ok(tip) if seen.is_some_and(|seen| seen != tip) => return,
                Ok(tip) => seen = Some(tip),
                Err(_) => return,
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The push broke off, so nobody knows whether it landed: the next attempt begins with a
    /// look at the branch, where a change that landed is found by its trailer.
    async fn broken(&mut self, jobs: Vec<Job>, why: GitError, progress: &mut Progress) -> Next {
        progress.ask = true;
        progress.broken += 1;
        tracing::warn!(branch = %self.branch.name, tries = progress.tries, %why, "a push broke off");
        if progress.broken >= BROKEN_MAX || matches!(why, GitError::AuthenticationFailed { .. }) {
            return stop(jobs, why);
        }
        tokio::time::sleep(pause(&jobs, progress.broken * 4)).await;
        Next::Again(jobs)
    }
}

/// 10 ms and more, up to a quarter of a second, spread by the change's own id so that two
/// writers do not meet again and again.
fn pause(jobs: &[Job], step: u32) -> Duration {
    let spread = jobs
        .first()
        .map_or(0, |job| job.change.id.as_u128() >> (step % 100));
    let spread = u64::try_from(spread % 20).unwrap_or_default();
    Duration::from_millis((10 * u64::from(step.min(24)) + spread).min(250))
}

/// Answers everybody with the same failure.
fn stop(jobs: Vec<Job>, why: GitError) -> Next {
    fail(jobs, &WriteError::from(why));
    Next::Done
}
