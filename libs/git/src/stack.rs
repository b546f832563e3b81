//! Stacks commits on a tip without a work tree: directories are loaded once, changed in memory,
//! and written as trees when a commit needs them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use gix::ObjectId;
use gix::objs::tree::{Entry, EntryKind, EntryMode, name_order};
use gix::objs::{Kind, Tree, Write as _, WriteTo as _};

use crate::pack::Pack;

/// After this many deltas in a row a tree is written whole, as `git pack-objects --depth` has it.
const DEPTH_MAX: u32 = 40;

/// What stands at a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing.
    Absent,
    /// A regular file.
    File(ObjectId),
    /// Something that must not be edited, in words.
    Wrong(&'static str),
}

/// A directory as it is after the commits so far.
#[derive(Debug, Default)]
struct Dir {
    tree: Tree,
    /// The last form that was written: name, bytes, and how many deltas lie below it.
    written: Option<(ObjectId, Vec<u8>, u32)>,
}

impl Dir {
    fn position(&self, name: &str) -> Option<usize> {
        // A directory is sorted as if its name ended in `/`, so a name has two places to be in.
        [false, true].into_iter().find_map(|is_tree| {
            self.tree
                .entries
                .binary_search_by(|entry| {
                    let (there, here) = (entry.filename.as_slice(), name.as_bytes());
                    name_order(there, entry.mode.is_tree(), here, is_tree)
                })
                .ok()
        })
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.position(name).map(|at| &self.tree.entries[at])
    }

    /// Sets an entry. A file keeps its mode.
    fn set(&mut self, name: &str, kind: EntryKind, oid: ObjectId) {
        if let Some(at) = self.position(name) {
            self.tree.entries[at].oid = oid;
            return;
        }
        let entry = Entry {
            mode: EntryMode::from(kind),
            filename: name.into(),
            oid,
        };
        let at = self.tree.entries.partition_point(|other| *other < entry);
        self.tree.entries.insert(at, entry);
    }
}

/// Where new objects go.
#[derive(Debug)]
pub(crate) enum Store {
    /// Into the mirror at once, one file each: fastest for a few.
    Loose,
    /// Into one pack.
    Packed(Pack),
}

/// Commits being stacked.
pub(crate) struct Stack<'r> {
    repository: &'r gix::Repository,
    store: Store,
    tip: ObjectId,
    dirs: BTreeMap<String, Dir>,
    /// New blobs that are not in the mirror yet.
    fresh: BTreeMap<ObjectId, Arc<[u8]>>,
}

impl<'r> Stack<'r> {
    /// Starts on top of `tip`.
    pub(crate) fn new(
        repository: &'r gix::Repository,
        tip: ObjectId,
        store: Store,
    ) -> Result<Self, gix::Error> {
        let tree = repository.find_commit(tip)?.tree_id()?.detach();
        let mut stack = Self {
            repository,
            store,
            tip,
            dirs: BTreeMap::new(),
            fresh: BTreeMap::new(),
        };
        let root = stack.load(tree)?;
        stack.dirs.insert(String::new(), root);
        Ok(stack)
    }

    /// The last commit.
    pub(crate) fn tip(&self) -> ObjectId {
        self.tip
    }

    /// The pack to be stored before the tip may be pushed, if there is one.
    pub(crate) fn finish(self) -> Option<Vec<u8>> {
        match self.store {
            Store::Loose => None,
            Store::Packed(pack) => pack.finish(),
        }
    }

    /// What stands at a path now.
    pub(crate) fn find(&mut self, path: &str) -> Result<Found, gix::Error> {
        let (dir, name) = split(path);
        let mut above = String::new();
        for part in dir.split('/').filter(|part| !part.is_empty()) {
            match self.dirs.get(&above).and_then(|dir| dir.entry(part)) {
                None => return Ok(Found::Absent),
                Some(entry) if entry.mode.is_tree() => {
                    let tree = entry.oid;
                    enter(&mut above, part);
                    if !self.dirs.contains_key(&above) {
                        let loaded = self.load(tree)?;
                        self.dirs.insert(above.clone(), loaded);
                    }
                }
                Some(entry) if entry.mode.is_link() => {
                    return Ok(Found::Wrong("a directory above it is a symbolic link"));
                }
                Some(_) => return Ok(Found::Wrong("what stands above it is no directory")),
            }
        }
        Ok(match self.dirs.get(dir).and_then(|dir| dir.entry(name)) {
            None => Found::Absent,
            Some(entry) if entry.mode.is_blob() => Found::File(entry.oid),
            Some(entry) if entry.mode.is_tree() => Found::Wrong("it is a directory"),
            Some(entry) if entry.mode.is_link() => Found::Wrong("it is a symbolic link"),
            Some(_) => Found::Wrong("it is a submodule"),
        })
    }

    /// The bytes of a blob, stacked or stored.
    pub(crate) fn bytes(&self, blob: ObjectId) -> Result<Vec<u8>, gix::Error> {
        match self.fresh.get(&blob) {
            Some(bytes) => Ok(bytes.to_vec()),
            None => Ok(self.repository.find_blob(blob)?.detach().data),
        }
    }

    /// Adds one commit that sets these files, of which [`Stack::find`] said that they may be.
    pub(crate) fn commit(
        &mut self,
        files: &[(&str, ObjectId, &Arc<[u8]>)],
        signature: &gix::actor::Signature,
        message: &str,
    ) -> Result<ObjectId, gix::Error> {
        let mut dirty = BTreeSet::new();
        for (path, blob, bytes) in files {
            self.blob(*blob, bytes)?;
            let (dir, name) = split(path);
            self.dirs
                .entry(dir.to_owned())
                .or_default()
                .set(name, EntryKind::Blob, *blob);
            let mut above = dir;
            while dirty.insert((above.split('/').count(), above.to_owned())) && !above.is_empty() {
                above = split(above).0;
            }
        }
        let tree = self.trees(dirty)?;
        let commit = gix::objs::Commit {
            tree,
            parents: [self.tip].into_iter().collect(),
            author: signature.clone(),
            committer: signature.clone(),
            encoding: None,
            message: message.into(),
            extra_headers: Vec::new(),
        };
        let mut bytes = Vec::with_capacity(512);
        commit
            .write_to(&mut bytes)
            .map_err(gix::Error::from_error)?;
        self.tip = self.put(Kind::Commit, &bytes, None)?;
        Ok(self.tip)
    }

    /// Writes changed directories, the deepest first; the name of the root.
    fn trees(&mut self, dirty: BTreeSet<(usize, String)>) -> Result<ObjectId, gix::Error> {
        let mut deepest: Vec<_> = dirty
            .into_iter()
            .filter(|(_, path)| !path.is_empty())
            .collect();
        deepest.reverse();
        for (_, path) in deepest {
            let tree = self.write(&path)?;
            let (above, name) = split(&path);
            self.dirs
                .entry(above.to_owned())
                .or_default()
                .set(name, EntryKind::Tree, tree);
        }
        self.write("")
    }

    fn write(&mut self, path: &str) -> Result<ObjectId, gix::Error> {
        let mut dir = self.dirs.remove(path).unwrap_or_default();
        let mut bytes =
            Vec::with_capacity(dir.written.as_ref().map_or(256, |(_, old, _)| old.len()));
        dir.tree
            .write_to(&mut bytes)
            .map_err(gix::Error::from_error)?;
        let base = dir
            .written
            .take()
            .filter(|(_, _, depth)| *depth < DEPTH_MAX);
        let depth = base.as_ref().map_or(0, |(_, _, depth)| depth + 1);
        let id = self.put(
            Kind::Tree,
            &bytes,
            base.as_ref().map(|(id, old, _)| (*id, old.as_slice())),
        )?;
        dir.written = Some((id, bytes, depth));
        self.dirs.insert(path.to_owned(), dir);
        Ok(id)
    }

    fn load(&self, tree: ObjectId) -> Result<Dir, gix::Error> {
        let data = self.repository.find_tree(tree)?.detach().data;
        let decoded = gix::objs::TreeRef::from_bytes(&data, gix::hash::Kind::Sha1)?.into_owned();
        Ok(Dir {
            tree: decoded,
            written: Some((tree, data, 0)),
        })
    }

    fn blob(&mut self, id: ObjectId, bytes: &Arc<[u8]>) -> Result<(), gix::Error> {
        if self.fresh.contains_key(&id) || self.repository.has_object(id) {
            return Ok(());
        }
        self.put(Kind::Blob, bytes, None)?;
        if matches!(self.store, Store::Packed(_)) {
            self.fresh.insert(id, Arc::clone(bytes));
        }
        Ok(())
    }

    fn put(
        &mut self,
        kind: Kind,
        data: &[u8],
        base: Option<(ObjectId, &[u8])>,
    ) -> Result<ObjectId, gix::Error> {
        let Store::Packed(pack) = &mut self.store else {
            return self.repository.objects.write_buf(kind, data);
        };
        let id = gix::objs::compute_hash(gix::hash::Kind::Sha1, kind, data)?;
        match base {
            Some((base, old)) if base != id => pack.delta(base, old, data),
            Some(_) => Ok(()),
            None => pack.whole(kind, data),
        }
        .map_err(gix::Error::from_error)?;
        Ok(id)
    }
}

/// Directory and name of a path; the directory at the top is the empty text.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn enter(dir: &mut String, part: &str) {
    if !dir.is_empty() {
        dir.push('/');
    }
    dir.push_str(part);
}
