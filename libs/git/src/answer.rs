//! What callers are told when the work on a batch is over.

use gix::ObjectId;

use crate::change::{Published, WriteError};
use crate::mirror::oid;
use crate::stage::{Job, Staged, Verdict};

/// Answers every job of a batch whose commits, if any, are published.
pub(crate) fn settle(jobs: Vec<Job>, staged: Staged, old: ObjectId, tries: u32) {
    for (job, verdict) in jobs.into_iter().zip(staged.verdicts) {
        job.answer(published(verdict, old, tries));
    }
}

/// Answers a batch whose commits the remote will never take; the rest is still true.
pub(crate) fn refuse(jobs: Vec<Job>, staged: Staged, old: ObjectId, why: &WriteError, tries: u32) {
    for (job, verdict) in jobs.into_iter().zip(staged.verdicts) {
        let result = match verdict {
            Verdict::Commit(_) | Verdict::Twin(_) => Err(why.clone()),
            verdict @ (Verdict::Stands(_) | Verdict::Unchanged | Verdict::Refused(_)) => {
                published(verdict, old, tries)
            }
        };
        job.answer(result);
    }
}

pub(crate) fn fail(jobs: Vec<Job>, why: &WriteError) {
    for job in jobs {
        job.answer(Err(why.clone()));
    }
}

fn published(verdict: Verdict, tip: ObjectId, tries: u32) -> Result<Published, WriteError> {
    let (commit, already, unchanged) = match verdict {
        Verdict::Stands(commit) => (commit, true, false),
        Verdict::Unchanged => (tip, true, true),
        Verdict::Commit(commit) => (commit, false, false),
        Verdict::Twin(commit) => (commit, true, false),
        Verdict::Refused(why) => return Err(why),
    };
    Ok(Published {
        commit: oid(commit),
        already,
        unchanged,
        tries,
    })
}
