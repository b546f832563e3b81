//! What a commit changes, as one number: the same for a commit and for what was picked from it.
//!
//! Like git's patch-id: the changed lines and the three around them, without line numbers and
//! white space, so that it is the same wherever in a history the change is made. Whoever needs
//! git's own number asks git: only equality within one process is promised here.

use std::collections::BTreeMap;

use gix::ObjectId;
use gix::diff::tree::recorder::Change;
use gix::diff::tree::{Recorder, State};
use gix::objs::TreeRefIter;
use gix::objs::tree::EntryMode;
use gix_imara_diff::sources::byte_lines;
use gix_imara_diff::{Algorithm, Diff, InternedInput};
use ids::Oid;
use sha2::{Digest as _, Sha256};

use crate::Repository;
use crate::open::object_id;

/// Lines around a change that belong to it.
const CONTEXT: usize = 3;
/// Of larger files only the names are compared: they are data, and lines say nothing.
const LARGEST: u64 = 1 << 20;
/// How far git looks for a byte that no text has.
const SNIFFED: usize = 8000;
/// So many commits are looked at while a thread starts.
const FEW: usize = 20;

/// What commits change.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changes {
    /// By commit. One that changes nothing has none, nor has one that touches files which no other
    /// of them touches together: it is like no other.
    pub known: BTreeMap<Oid, [u8; 32]>,
    /// Commits whose trees or files are not in this clone.
    pub unknown: Vec<Oid>,
}

/// One file before and after.
struct Touched {
    path: Vec<u8>,
    before: Option<(EntryMode, ObjectId)>,
    after: Option<(EntryMode, ObjectId)>,
}

/// An object that should be here is not: a partial clone.
struct Absent;

impl Repository {
    /// What each of these commits changes against its first parent. Nothing is fetched for it.
    /// The cost grows with the number of commits and with the directories they touch; files are
    /// read only of commits that touch the same ones.
    pub fn changes<'a>(&self, commits: impl IntoIterator<Item = &'a Oid>) -> Changes {
        let mut found = Changes::default();
        let commits: Vec<&Oid> = commits.into_iter().collect();
        let touched = self.each(&commits, FEW, |repository, commit| {
            repository.touched(object_id(commit))
        });
        let mut alike: BTreeMap<Vec<u8>, Vec<(&Oid, Vec<Touched>)>> = BTreeMap::new();
        for (commit, touched) in commits.into_iter().zip(touched) {
            match touched {
                Ok(files) if files.is_empty() => {}
                Ok(files) => {
                    let paths: Vec<_> = files.iter().map(|it| it.path.as_slice()).collect();
                    // No path holds a zero.
                    let group = alike.entry(paths.join(&0)).or_default();
                    group.push((commit, files));
                }
                Err(Absent) => found.unknown.push(commit.clone()),
            }
        }
        let alike = alike.into_values().filter(|it| it.len() > 1).flatten();
        let alike: Vec<_> = alike.collect();
        let numbers = self.each(&alike, FEW, |repository, (_, files)| {
            repository.number(files)
        });
        for ((commit, _), number) in alike.iter().zip(numbers) {
            match number {
                Ok(number) => drop(found.known.insert((*commit).clone(), number)),
                Err(Absent) => found.unknown.push((*commit).clone()),
            }
        }
        found
    }

    /// The files that a commit changes, by path.
    fn touched(&self, commit: ObjectId) -> Result<Vec<Touched>, Absent> {
        let (mut parent, mut own) = (Vec::new(), Vec::new());
        let found = self.inner.find_commit(commit).map_err(|_| Absent)?;
        let after = self.tree(&found, &mut own)?;
        let before = match found.parent_ids().next() {
            Some(id) => {
                let id = id.detach();
                let first = self.inner.find_commit(id).map_err(|_| Absent)?;
                self.tree(&first, &mut parent)?
            }
            None => TreeRefIter::from_bytes(&[], self.inner.object_hash()),
        };
        let (mut recorder, mut state) = (Recorder::default(), State::default());
        gix::diff::tree(
            before,
            after,
            &mut state,
            &self.inner.objects,
            &mut recorder,
        )
        .map_err(|_| Absent)?;
        let mut files: Vec<_> = recorder.records.into_iter().filter_map(touched).collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(files)
    }

    fn number(&self, files: &[Touched]) -> Result<[u8; 32], Absent> {
        let mut sum = Sha256::new();
        for file in files {
            self.file(file, &mut sum)?;
        }
        Ok(sum.finalize().into())
    }

    fn tree<'a>(
        &self,
        commit: &gix::Commit<'_>,
        bytes: &'a mut Vec<u8>,
    ) -> Result<TreeRefIter<'a>, Absent> {
        let mut tree = commit.tree().map_err(|_| Absent)?;
        *bytes = std::mem::take(&mut tree.data);
        Ok(TreeRefIter::from_bytes(bytes, self.inner.object_hash()))
    }

    /// Adds what happened to one file.
    fn file(&self, file: &Touched, sum: &mut Sha256) -> Result<(), Absent> {
        part(sum, &file.path);
        for side in [file.before, file.after] {
            // Whether it is there, and as what.
            let mode = side.map_or(0, |(mode, _)| mode.value());
            part(sum, &mode.to_be_bytes());
        }
        let before = self.content(file.before)?;
        let after = self.content(file.after)?;
        if let (Some(before), Some(after)) = (before, after) {
            lines(&before, &after, sum);
            return Ok(());
        }
        for (_, id) in [file.before, file.after].into_iter().flatten() {
            part(sum, id.as_slice());
        }
        Ok(())
    }

    /// What a file holds, when its lines say something.
    fn content(&self, file: Option<(EntryMode, ObjectId)>) -> Result<Option<Vec<u8>>, Absent> {
        let Some((mode, id)) = file else {
            return Ok(Some(Vec::new()));
        };
        if !mode.is_blob_or_symlink() {
            return Ok(None);
        }
        let header = self.inner.find_header(id).map_err(|_| Absent)?;
        if header.size() > LARGEST {
            return Ok(None);
        }
        let mut blob = self.inner.find_blob(id).map_err(|_| Absent)?;
        let bytes = blob.take_data();
        let is_text = !bytes.iter().take(SNIFFED).any(|byte| *byte == 0);
        Ok(is_text.then_some(bytes))
    }
}

fn touched(change: Change) -> Option<Touched> {
    let (path, before, after) = match change {
        Change::Addition {
            entry_mode,
            oid,
            path,
            ..
        } => (path, None, Some((entry_mode, oid))),
        Change::Deletion {
            entry_mode,
            oid,
            path,
            ..
        } => (path, Some((entry_mode, oid)), None),
        Change::Modification {
            previous_entry_mode,
            previous_oid,
            entry_mode,
            oid,
            path,
        } => (
            path,
            Some((previous_entry_mode, previous_oid)),
            Some((entry_mode, oid)),
        ),
    };
    let file = |it: Option<(EntryMode, ObjectId)>| it.filter(|(mode, _)| mode.is_no_tree());
    let (before, after) = (file(before), file(after));
    // What is in a directory is told file by file.
    (before.is_some() || after.is_some()).then(|| Touched {
        path: path.into(),
        before,
        after,
    })
}

/// Adds the changed lines and those around them.
fn lines(before: &[u8], after: &[u8], sum: &mut Sha256) {
    let input = InternedInput::new(byte_lines(before), byte_lines(after));
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    // A block between two like it can be told in several ways: always the same one.
    diff.postprocess_no_heuristic(&input);
    for hunk in diff.hunks() {
        let old = hunk.before.start as usize..hunk.before.end as usize;
        let new = hunk.after.start as usize..hunk.after.end as usize;
        let until = input.before.len().min(old.end + CONTEXT);
        let around = &input.before[old.start.saturating_sub(CONTEXT)..old.start];
        let parts = [
            (b' ', around),
            (b'-', &input.before[old.clone()]),
            (b'+', &input.after[new]),
            (b' ', &input.before[old.end..until]),
        ];
        for (sign, tokens) in parts {
            for token in tokens {
                let line = input.interner[*token].iter().copied();
                let seen: Vec<u8> = line.filter(|it| !it.is_ascii_whitespace()).collect();
                sum.update([sign]);
                part(sum, &seen);
            }
        }
    }
}

/// Adds bytes with their length, so that none run into the next.
fn part(sum: &mut Sha256, bytes: &[u8]) {
    sum.update((bytes.len() as u64).to_be_bytes());
    sum.update(bytes);
}
