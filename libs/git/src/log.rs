//! What one commit has that another has not, told shortly: for people who want to know what
//! changed, not for deciding.

use gix::ObjectId;
use ids::Oid;

use crate::mirror::{Inner, object_id, oid};
use crate::{GitError, Mirror, message};

/// The commits that one commit has and another has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// How many there are.
    pub total: u64,
    /// The newest of them, newest first.
    pub newest: Vec<Listed>,
}

/// One commit of a [`Log`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The commit.
    pub oid: Oid,
    /// The first paragraph of the message, on one line.
    pub subject: String,
    /// Who wrote it. Not verified by anybody.
    pub author_name: String,
    /// Their address. Not verified by anybody.
    pub author_email: String,
    /// When it was committed, in microseconds UTC since 1970, by the committer's clock.
    pub committer_time_us: i64,
}

impl Mirror {
    /// What `to` has and `from` has not (`git log from..to`), the newest `limit` of it told; with
    /// no `from`, all that `to` has. Unlike [`Mirror::commits`] it does not look into trees.
    pub async fn log(&self, from: Option<&Oid>, to: &Oid, limit: usize) -> Result<Log, GitError> {
        let (from, to) = (from.map(object_id), object_id(to));
        self.blocking("listing commits", move |inner, repository| {
            for id in from.iter().chain([&to]) {
                if !repository.has_object(id) {
                    return Err(inner.missing(*id));
                }
            }
            inner
                .log(repository, from, to, limit)
                .map_err(|why| inner.broken("listing commits", &why))
        })
        .await
    }
}

impl Inner {
    fn log(
        &self,
        repository: &gix::Repository,
        from: Option<ObjectId>,
        to: ObjectId,
        limit: usize,
    ) -> Result<Log, gix::Error> {
        let walk = repository
            .rev_walk([to])
            .with_hidden(from)
            .sorting(gix::revision::walk::Sorting::ByCommitTime(
                gix::traverse::commit::simple::CommitTimeOrder::NewestFirst,
            ))
            .all()?;
        let mut log = Log::default();
        for info in walk {
            let id = info?.id;
            log.total += 1;
            if log.newest.len() < limit {
                log.newest.push(listed(repository, id)?);
            }
        }
        tracing::trace!(mirror = %self.address.text, commits = log.total, "listed");
        Ok(log)
    }
}

fn listed(repository: &gix::Repository, id: ObjectId) -> Result<Listed, gix::Error> {
    let commit = repository.find_commit(id)?;
    let author = commit.author()?;
    let (author_name, author_email) = (author.name.to_string(), author.email.to_string());
    Ok(Listed {
        oid: oid(id),
        subject: message::subject(&commit.message_raw_sloppy().to_string()),
        author_name,
        author_email,
        committer_time_us: commit.time()?.seconds.saturating_mul(1_000_000),
    })
}
