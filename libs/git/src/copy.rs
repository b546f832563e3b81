//! Copies the few objects that are new in a local repository, in process.
//!
//! Files are written before the trees that name them, and those before the commits: whatever
//! kills us in between, an object that is there is there with everything below it. That is also
//! why the walk may stop at the first object that is already known.

use gix::ObjectId;
use gix::objs::{Kind, TreeRefIter, Write as _};
use gix::prelude::FindExt as _;

/// More new objects than this are left to `git fetch`, which packs them.
const OBJECTS_MAX: usize = 2_000;

/// Brings `tip` and everything below it from `remote` into `mirror`; `false` when that is too
/// much for loose objects.
pub(crate) fn commits(
    remote: &gix::Repository,
    mirror: &gix::Repository,
    tip: ObjectId,
) -> Result<bool, gix::Error> {
    let mut fresh = Vec::new();
    let mut queue = vec![tip];
    let mut listed = std::collections::BTreeSet::new();
    while let Some(id) = queue.pop() {
        if !listed.insert(id) || mirror.has_object(id) {
            continue;
        }
        let commit = remote.find_commit(id)?;
        let parents: Vec<_> = commit.parent_ids().map(gix::Id::detach).collect();
        queue.extend(parents.iter().copied());
        fresh.push((id, parents));
        if fresh.len() > OBJECTS_MAX {
            return Ok(false);
        }
    }
    let mut budget = OBJECTS_MAX;
    for (id, _) in &fresh {
        let tree = remote.find_commit(*id)?.tree_id()?.detach();
        if !below(remote, mirror, tree, &mut budget)? {
            return Ok(false);
        }
    }
    // A parent before its child: the walk found every parent after one of its children, but with
    // several children not after all of them, so the order is made here.
    let mut waiting = fresh;
    while !waiting.is_empty() {
        let mut later = Vec::new();
        for (id, parents) in waiting.into_iter().rev() {
            if parents.iter().all(|parent| mirror.has_object(parent)) {
                object(remote, mirror, id, Kind::Commit)?;
            } else {
                later.push((id, parents));
            }
        }
        later.reverse();
        waiting = later;
    }
    Ok(true)
}

/// Copies a tree, what is below it first.
fn below(
    remote: &gix::Repository,
    mirror: &gix::Repository,
    tree: ObjectId,
    budget: &mut usize,
) -> Result<bool, gix::Error> {
    if mirror.has_object(tree) {
        return Ok(true);
    }
    let data = remote.find_object(tree)?;
    for entry in TreeRefIter::from_bytes(&data.data, gix::hash::Kind::Sha1) {
        let entry = entry.map_err(gix::Error::from_error)?;
        if entry.mode.is_commit() || mirror.has_object(entry.oid) {
            continue;
        }
        if entry.mode.is_tree() {
            if !below(remote, mirror, entry.oid.to_owned(), budget)? {
                return Ok(false);
            }
            continue;
        }
        object(remote, mirror, entry.oid.to_owned(), Kind::Blob)?;
        *budget = budget.saturating_sub(1);
        if *budget == 0 {
            return Ok(false);
        }
    }
    object(remote, mirror, tree, Kind::Tree)?;
    *budget = budget.saturating_sub(1);
    Ok(*budget > 0)
}

fn object(
    remote: &gix::Repository,
    mirror: &gix::Repository,
    id: ObjectId,
    kind: Kind,
) -> Result<(), gix::Error> {
    let mut buffer = Vec::new();
    let data = remote.objects.find(&id, &mut buffer)?.data;
    mirror.objects.write_buf(kind, data)?;
    Ok(())
}
