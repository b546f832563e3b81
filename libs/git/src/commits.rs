//! Facts about the commits between two points of a branch.

use gix::ObjectId;
use gix::diff::tree::recorder::Change as TreeChange;
use gix::objs::TreeRefIter;
use ids::Oid;

use crate::mirror::{Inner, object_id, oid};
use crate::{GitError, Mirror, message};

/// What one commit says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitFacts {
    /// The commit.
    pub oid: Oid,
    /// Its parents, the branch it was made on first.
    pub parents: Vec<Oid>,
    /// Who wrote it. Not verified by anybody.
    pub author_name: String,
    /// The e-mail address of who wrote it. Not verified by anybody.
    pub author_email: String,
    /// When it was committed, in microseconds UTC since 1970, by the committer's clock.
    pub committer_time_us: i64,
    /// The first paragraph of the message, on one line.
    pub subject: String,
    /// The trailers of the last paragraph, in order.
    pub trailers: Vec<(String, String)>,
    /// Paths that differ from the first parent, sorted; all of them for a first commit.
    pub changed_paths: Vec<String>,
}

impl CommitFacts {
    /// The value of the last trailer with this name, whatever its case.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers
            .iter()
            .rev()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Mirror {
    /// The commits that `to` holds and `from` does not, newest first (`git log from..to`); with
    /// no `from`, all that `to` holds.
    pub async fn commits(
        &self,
        from: Option<&Oid>,
        to: &Oid,
    ) -> Result<Vec<CommitFacts>, GitError> {
        let (from, to) = (from.map(object_id), object_id(to));
        self.blocking("listing commits", move |inner, repository| {
            for id in from.iter().chain([&to]) {
                if !repository.has_object(id) {
                    return Err(inner.missing(*id));
                }
            }
            inner
                .between(repository, from, to)
                .map_err(|why| inner.broken("listing commits", &why))
        })
        .await
    }

    /// Facts about one commit.
    pub async fn commit(&self, commit: &Oid) -> Result<CommitFacts, GitError> {
        let commit = object_id(commit);
        self.blocking("reading a commit", move |inner, repository| {
            if !repository.has_object(commit) {
                return Err(inner.missing(commit));
            }
            facts(repository, commit).map_err(|why| inner.broken("reading a commit", &why))
        })
        .await
    }
}

impl Inner {
    fn between(
        &self,
        repository: &gix::Repository,
        from: Option<ObjectId>,
        to: ObjectId,
    ) -> Result<Vec<CommitFacts>, gix::Error> {
        let walk = repository
            .rev_walk([to])
            .with_hidden(from)
            .sorting(gix::revision::walk::Sorting::ByCommitTime(
                gix::traverse::commit::simple::CommitTimeOrder::NewestFirst,
            ))
            .all()?;
        let mut found = Vec::new();
        for info in walk {
            found.push(facts(repository, info?.id)?);
        }
        tracing::trace!(mirror = %self.address.text, commits = found.len(), "listed");
        Ok(found)
    }
}

fn facts(repository: &gix::Repository, id: ObjectId) -> Result<CommitFacts, gix::Error> {
    let commit = repository.find_commit(id)?;
    let author = commit.author()?;
    let (author_name, author_email) = (author.name.to_string(), author.email.to_string());
    let committer_time_us = commit.time()?.seconds.saturating_mul(1_000_000);
    let text = commit.message_raw_sloppy().to_string();
    let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
    let before = match parents.first() {
        Some(parent) => Some(repository.find_commit(*parent)?.tree()?),
        None => None,
    };
    let after = commit.tree()?;
    Ok(CommitFacts {
        oid: oid(id),
        parents: parents.into_iter().map(oid).collect(),
        author_name,
        author_email,
        committer_time_us,
        subject: message::subject(&text),
        trailers: message::trailers(&text),
        changed_paths: changed(repository, before.as_ref(), &after)?,
    })
}

fn changed(
    repository: &gix::Repository,
    before: Option<&gix::Tree<'_>>,
    after: &gix::Tree<'_>,
) -> Result<Vec<String>, gix::Error> {
    let mut recorder = gix::diff::tree::Recorder::default();
    let nothing = Vec::new();
    let hash = gix::hash::Kind::Sha1;
    gix::diff::tree(
        TreeRefIter::from_bytes(before.map_or(&nothing, |tree| &tree.data), hash),
        TreeRefIter::from_bytes(&after.data, hash),
        gix::diff::tree::State::default(),
        &repository.objects,
        &mut recorder,
    )
    .map_err(gix::Error::from_error)?;
    let mut paths: Vec<String> = recorder
        .records
        .into_iter()
        .filter_map(|change| match change {
            TreeChange::Addition {
                entry_mode, path, ..
            }
            | TreeChange::Deletion {
                entry_mode, path, ..
            }
            | TreeChange::Modification {
                entry_mode, path, ..
            } => (!entry_mode.is_tree()).then(|| path.to_string()),
        })
        .collect();
    paths.sort();
    paths.dedup();
    Ok(paths)
}
