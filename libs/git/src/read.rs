//! Reading files at a commit.

use gix::ObjectId;
use ids::Oid;

use crate::mirror::{Inner, object_id, oid};
use crate::{GitError, Mirror};

/// The name that git gives to a file with these bytes, in a repository with SHA-1 names.
pub fn blob_id(bytes: &[u8]) -> Result<Oid, GitError> {
    let kind = gix::hash::Kind::Sha1;
    match gix::objs::compute_hash(kind, gix::objs::Kind::Blob, bytes) {
        Ok(id) => Ok(oid(id)),
        // Bytes that were made to collide: no name is theirs alone.
        Err(why) => Err(GitError::Broken {
            place: "bytes in memory".to_owned(),
            doing: "naming a blob",
            detail: why.to_string(),
        }),
    }
}

impl Mirror {
    /// The bytes of a regular file at a commit. `None` when there is no such path, or when it is
    /// a directory, a symbolic link or a submodule.
    pub async fn read_file(&self, commit: &Oid, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let (commit, path) = (object_id(commit), path.to_owned());
        self.blocking("reading a file", move |inner, repository| {
            let tree = inner.tree(repository, commit)?;
            let entry = tree
                .lookup_entry(path.split('/').map(str::as_bytes))
                .map_err(|why| inner.broken("reading a file", &why))?;
            match entry {
                Some(entry) if entry.mode().is_blob() => {
                    inner.bytes(repository, entry.object_id()).map(Some)
                }
                _ => Ok(None),
            }
        })
        .await
    }

    /// Every regular file at a commit with the name of its blob, by path. Paths that are not
    /// UTF-8 cannot be named in a manifest and are left out, as are symbolic links and
    /// submodules.
    pub async fn list_files(&self, commit: &Oid) -> Result<Vec<(String, Oid)>, GitError> {
        let commit = object_id(commit);
        self.blocking("listing files", move |inner, repository| {
            let tree = inner.tree(repository, commit)?;
            let entries = tree
                .traverse()
                .breadthfirst
                .files()
                .map_err(|why| inner.broken("listing files", &why))?;
            let mut files: Vec<(String, Oid)> = entries
                .into_iter()
                .filter(|entry| entry.mode.is_blob())
                .filter_map(|entry| {
                    let path = String::from_utf8(entry.filepath.into()).ok()?;
                    Some((path, oid(entry.oid)))
                })
                .collect();
            files.sort();
            Ok(files)
        })
        .await
    }

    /// The bytes of a blob.
    pub async fn blob(&self, blob: &Oid) -> Result<Vec<u8>, GitError> {
        let blob = object_id(blob);
        self.blocking("reading a blob", move |inner, repository| {
            inner.bytes(repository, blob)
        })
        .await
    }

    /// The bytes of many blobs, in the order asked for: one trip for a whole repository.
    pub async fn blobs(&self, blobs: &[Oid]) -> Result<Vec<Vec<u8>>, GitError> {
        let blobs: Vec<ObjectId> = blobs.iter().map(object_id).collect();
        self.blocking("reading blobs", move |inner, repository| {
            blobs
                .into_iter()
                .map(|blob| inner.bytes(repository, blob))
                .collect()
        })
        .await
    }
}

impl Inner {
    pub(crate) fn missing(&self, object: ObjectId) -> GitError {
        GitError::Missing {
            place: self.address.text.clone(),
            object: object.to_string(),
        }
    }

    /// The tree of a commit.
    pub(crate) fn tree<'r>(
        &self,
        repository: &'r gix::Repository,
        commit: ObjectId,
    ) -> Result<gix::Tree<'r>, GitError> {
        if !repository.has_object(commit) {
            return Err(self.missing(commit));
        }
        repository
            .find_commit(commit)
            .and_then(|commit| commit.tree())
            .map_err(|why| self.broken("reading a commit", &why))
    }

    fn bytes(&self, repository: &gix::Repository, blob: ObjectId) -> Result<Vec<u8>, GitError> {
        match repository.try_find_object(blob) {
            Ok(Some(object)) if object.kind == gix::objs::Kind::Blob => Ok(object.detach().data),
            Ok(_) => Err(self.missing(blob)),
            Err(why) => Err(self.broken("reading a blob", &why)),
        }
    }
}
