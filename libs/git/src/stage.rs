//! Turns a batch of changes into commits on top of a tip.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use gix::ObjectId;
use gix::objs::Kind;
use ids::Oid;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::change::{Author, Change, EditOutcome, FileEdit, Published, WriteError};
use crate::mirror::{Inner, object_id};
use crate::pack::Pack;
use crate::published::Standing;
use crate::stack::{Found, Stack, Store};
use crate::{GitError, message, path};

/// From this many changes on, one pack is faster than loose objects.
const PACK_FROM: usize = 24;

/// A new blob with its name, nothing when the file is to stay as it is, or a refusal.
type Edited = Result<Option<(ObjectId, Arc<[u8]>)>, WriteError>;

/// What an edit made of the bytes it last saw.
#[derive(Debug, Clone)]
struct Memo {
    input: Option<ObjectId>,
    result: Edited,
}

/// A change in the queue, and who waits for it.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) change: Change,
    message: String,
    memos: Vec<Option<Memo>>,
    reply: oneshot::Sender<Result<Published, WriteError>>,
}

impl Job {
    /// Checks everything about a change that does not depend on the branch.
    pub(crate) fn new(
        change: Change,
        reply: oneshot::Sender<Result<Published, WriteError>>,
    ) -> Result<Self, WriteError> {
        let mut paths: Vec<&str> = change.files.iter().map(|file| file.path.as_str()).collect();
        for path in &paths {
            path::check(path).map_err(WriteError::Invalid)?;
        }
        paths.sort_unstable();
        if let Some([twice, _]) = paths.array_windows().find(|[one, next]| one == next) {
            return Err(WriteError::Invalid(format!(
                "the change names `{twice}` twice"
            )));
        }
        let message = message::compose(&change.subject, &change.body, &change.trailers, change.id)
            .map_err(WriteError::Invalid)?;
        Ok(Self {
            memos: vec![None; change.files.len()],
            change,
            message,
            reply,
        })
    }

    /// Tells whoever waits. Nobody waiting any more is fine: what was published stays published.
    pub(crate) fn answer(self, result: Result<Published, WriteError>) {
        if self.reply.send(result).is_err() {
            tracing::debug!(change = %self.change.id, "nobody waits for this change any more");
        }
    }
}

/// What is to be said about one change, if the push lands.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    /// It stands in the branch as this commit.
    Stands(ObjectId),
    /// Every file already is as it should be.
    Unchanged,
    /// It cannot be done on this tip.
    Refused(WriteError),
    /// It is this new commit.
    Commit(ObjectId),
    /// It is the same change as an earlier one of the batch.
    Twin(ObjectId),
}

/// A batch on top of a tip.
#[derive(Debug)]
pub(crate) struct Staged {
    /// One per job, in order.
    pub(crate) verdicts: Vec<Verdict>,
    /// The last commit; the old tip when there is none.
    pub(crate) tip: ObjectId,
    /// New commits with their changes, in order.
    pub(crate) commits: Vec<(Uuid, ObjectId)>,
    /// Commit time of the new commits, in seconds.
    pub(crate) time: i64,
    /// Objects to be stored before anything is pushed.
    pub(crate) pack: Option<Vec<u8>>,
    /// Whether an edit had to run, rather than being remembered.
    pub(crate) ran: bool,
}

/// Stacks the jobs on `tip`.
pub(crate) fn stage(
    inner: &Inner,
    repository: &gix::Repository,
    standing: &mut Standing,
    jobs: &mut [Job],
    tip: ObjectId,
    author: &Author,
    now_us: i64,
) -> Result<Staged, GitError> {
    let broken = |why: gix::Error| inner.broken("preparing commits", &why);
    standing.advance(repository, tip).map_err(broken)?;
    let store = if jobs.len() < PACK_FROM {
        Store::Loose
    } else {
        Store::Packed(Pack::new())
    };
    let mut stack = Stack::new(repository, tip, store).map_err(broken)?;
    let time = now_us.div_euclid(1_000_000);
    let signature = signature(author, time);
    let mut staged = Staged {
        verdicts: Vec::with_capacity(jobs.len()),
        tip,
        commits: Vec::new(),
        time,
        pack: None,
        ran: false,
    };
    let mut twins = BTreeMap::new();
    for job in jobs {
        let since = job
            .change
            .since
            .as_ref()
            .map(|since: &Oid| object_id(since));
        let verdict = if let Some(commit) = twins.get(&job.change.id) {
            Verdict::Twin(*commit)
        } else if let Some(commit) = standing
            .find(repository, job.change.id, since)
            .map_err(broken)?
        {
            Verdict::Stands(commit)
        } else {
            one(&mut stack, job, &signature, &mut staged.ran).map_err(broken)?
        };
        if let Verdict::Commit(commit) = verdict {
            twins.insert(job.change.id, commit);
            staged.commits.push((job.change.id, commit));
        }
        staged.verdicts.push(verdict);
    }
    staged.tip = stack.tip();
    staged.pack = stack.finish();
    Ok(staged)
}

/// One change: its edits first, all of them, then its commit.
fn one(
    stack: &mut Stack<'_>,
    job: &mut Job,
    signature: &gix::actor::Signature,
    ran: &mut bool,
) -> Result<Verdict, gix::Error> {
    let mut files = Vec::with_capacity(job.change.files.len());
    for (file, memo) in job.change.files.iter().zip(&mut job.memos) {
        let input = match stack.find(&file.path)? {
            Found::Absent => None,
            Found::File(blob) => Some(blob),
            Found::Wrong(why) => {
                let text = format!("`{}` cannot be edited: {why}", file.path);
                return Ok(Verdict::Refused(WriteError::Refused(text)));
            }
        };
        if memo.as_ref().is_none_or(|memo| memo.input != input) {
            *ran = true;
            let before = input.map(|blob| stack.bytes(blob)).transpose()?;
            *memo = Some(Memo {
                input,
                result: run(file, before.as_deref())?,
            });
        }
        match memo.as_ref().map(|memo| &memo.result) {
            Some(Ok(Some((blob, bytes)))) => files.push((file.path.as_str(), *blob, bytes)),
            Some(Ok(None)) | None => {}
            Some(Err(why)) => return Ok(Verdict::Refused(why.clone())),
        }
    }
    if files.is_empty() {
        return Ok(Verdict::Unchanged);
    }
    stack
        .commit(&files, signature, &job.message)
        .map(Verdict::Commit)
}

/// Runs one edit. One that panics fails its own change and no other.
fn run(file: &FileEdit, before: Option<&[u8]>) -> Result<Edited, gix::Error> {
    let outcome = catch_unwind(AssertUnwindSafe(|| (file.edit)(before)));
    Ok(match outcome {
        Ok(Ok(EditOutcome::Replace(after))) if before == Some(after.as_slice()) => Ok(None),
        Ok(Ok(EditOutcome::Replace(after))) => {
            let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, Kind::Blob, &after)?;
            Ok(Some((id, Arc::from(after))))
        }
        Ok(Ok(EditOutcome::Unchanged)) => Ok(None),
        Ok(Err(text)) => Err(WriteError::Refused(text)),
        Err(_) => Err(WriteError::Invalid(format!(
            "the edit of `{}` panicked; this is a defect, see the log",
            file.path
        ))),
    })
}

fn signature(author: &Author, seconds: i64) -> gix::actor::Signature {
    gix::actor::Signature {
        name: author.name.trim().into(),
        email: author.email.trim().into(),
        time: gix::date::Time { seconds, offset: 0 },
    }
}
