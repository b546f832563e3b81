//! Opening a repository, and what names mean in it.

use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use ids::Oid;

use crate::{Commit, Error, Person};

/// Bytes of objects that are remembered: the commits of a range, some hundred bytes each.
const REMEMBERED: usize = 64 << 20;

/// An open repository.
#[derive(Debug)]
pub struct Repository {
    pub(crate) inner: gix::Repository,
    pub(crate) place: PathBuf,
}

impl Repository {
    /// Opens the repository that `dir` is in: a working tree, one of its directories, or a bare
    /// repository. A person's configuration is read only as far as git needs it to find objects.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let found =
            gix::ThreadSafeRepository::discover(dir).map_err(|error| unopened(dir, &error))?;
        let mut inner = found.to_thread_local();
        // Without a commit-graph each commit is asked for its parents first, and for its message
        // afterwards.
        let graph = inner.commit_graph_if_enabled();
        if !graph.is_ok_and(|it| it.is_some()) {
            inner.object_cache_size(REMEMBERED);
        }
        // References would be looked for in files, and none found.
        let stored = inner.config_snapshot().string("extensions.refStorage");
        if stored.is_some_and(|it| it.as_slice() != b"files") {
            return Err(Error::Unsupported {
                place: dir.to_owned(),
                what: "references in another form than files, such as reftable,",
            });
        }
        let place = inner
            .workdir()
            .unwrap_or_else(|| inner.git_dir())
            .to_owned();
        Ok(Self { inner, place })
    }

    /// Where it is.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// The commit that a revision names: a branch, a tag, `HEAD~3`, a (shortened) name.
    pub fn resolve(&self, revision: &str) -> Result<Oid, Error> {
        let wrong = |detail: String| Error::NoSuchRevision {
            revision: revision.to_owned(),
            place: self.place.clone(),
            detail,
        };
        let spec = format!("{revision}^{{commit}}");
        let found = self.inner.rev_parse_single(spec.as_str());
        let found = found.map_err(|error| wrong(last(&error)))?;
        Ok(oid(found.detach()))
    }

    /// One commit.
    pub fn commit(&self, oid: &Oid) -> Result<Commit, Error> {
        self.decode(object_id(oid))
    }

    pub(crate) fn decode(&self, id: ObjectId) -> Result<Commit, Error> {
        let broken = |error: &dyn std::error::Error| self.broken(error);
        let object = self.inner.find_commit(id).map_err(|error| broken(&error))?;
        let decoded = object.decode().map_err(|error| broken(&error))?;
        let author = decoded.author().map_err(|error| broken(&error))?;
        let time = decoded.time().map_err(|error| broken(&error))?;
        Ok(Commit {
            oid: oid(id),
            parents: decoded.parents().map(oid).collect(),
            message: decoded.message.to_str_lossy().into_owned(),
            author: Person {
                name: author.name.to_str_lossy().into_owned(),
                email: author.email.to_str_lossy().into_owned(),
            },
            committed_at: time.seconds,
        })
    }

    pub(crate) fn missing(&self, id: ObjectId) -> Error {
        Error::Broken {
            place: self.place.clone(),
            detail: format!(
                "commit {id} is missing, although it is not beyond the end of a shallow clone; \
                 `git fsck` tells more"
            ),
        }
    }

    pub(crate) fn broken(&self, error: &dyn std::error::Error) -> Error {
        Error::Broken {
            place: self.place.clone(),
            detail: last(error),
        }
    }
}

fn unopened(dir: &Path, error: &dyn std::error::Error) -> Error {
    let (place, detail) = (dir.to_owned(), last(error));
    if detail.contains("Object format") {
        let what = "names of objects in SHA-256";
        return Error::Unsupported { place, what };
    }
    Error::NoRepository { place, detail }
}

/// The cause at the bottom: what stands above it says only that there was one.
fn last(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}

pub(crate) fn oid(id: ObjectId) -> Oid {
    let mut buffer = gix::hash::Kind::hex_buf();
    let hex = id.hex_to_buf(&mut buffer);
    Oid::parse(hex).expect("the name of an object is one")
}

pub(crate) fn object_id(oid: &Oid) -> ObjectId {
    ObjectId::from_hex(oid.as_str().as_bytes()).expect("the name of an object is one")
}
