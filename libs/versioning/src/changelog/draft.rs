//! How a changelog is made, in two steps: between them somebody looks at what some commits change.

use std::collections::BTreeMap;

use ids::Oid;

use super::left_out::Reason;
use super::note::Note;
use super::{Changelog, Commit, Direction, End, Entry, Forge, LeftOut, Range, Side};
use super::{revert, section, twin};

/// A changelog that lacks only what commits change.
#[derive(Debug, Clone)]
pub struct Draft {
    from: Option<End>,
    to: End,
    direction: Direction,
    added: Vec<Note>,
    removed: Vec<Note>,
}

/// Commits that may be the same change under several names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    /// Their names.
    pub commits: Vec<Oid>,
    /// There were too many to ask for all: only those with a subject that both sides have.
    pub narrowed: bool,
}

/// What is known of the candidates.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// A number for what a commit changes: equal where the change is.
    pub known: BTreeMap<Oid, [u8; 32]>,
    /// Of so many nobody could say it.
    pub unknown: usize,
}

impl Draft {
    /// Reads the messages. The cost grows with the number of commits.
    pub fn read(range: Range) -> Self {
        let read = |commits: Vec<Commit>| commits.into_iter().map(Note::read).collect();
        Self::of(Range {
            from: range.from,
            to: range.to,
            added: read(range.added),
            removed: read(range.removed),
        })
    }

    /// Of messages that were read.
    pub fn of(range: Range<Note>) -> Self {
        let pair = |mut notes: Vec<Note>, base: Option<&End>| {
            revert::pair_onto(&mut notes, base.map(|it| &it.oid));
            notes
        };
        Self {
            direction: Direction::of(&range),
            added: pair(range.added, range.from.as_ref()),
            removed: pair(range.removed, Some(&range.to)),
            from: range.from,
            to: range.to,
        }
    }

    /// The commits whose changes have to be known.
    pub fn candidates(&self) -> Candidates {
        twin::candidates(&self.added, &self.removed)
    }

    /// The changelog. Links lead to the forge, if there is one.
    pub fn finish(mut self, changes: &Changes, forge: Option<Forge>) -> Changelog {
        let narrowed = twin::is_narrowed(&self.added, &self.removed);
        twin::settle(&mut self.added, &mut self.removed, &changes.known);
        let mut warnings = Vec::new();
        if narrowed {
            warnings.push(
                "there are so many commits that only those with the same subject on both sides \
                 were compared by what they change: what was picked onto both under another \
                 subject is listed twice"
                    .to_owned(),
            );
        }
        if changes.unknown > 0 {
            warnings.push(format!(
                "{} commit(s) could not be compared by what they change, because their files are \
                 not in this clone: what was picked from one line onto another may be listed \
                 twice. A clone with files (without --filter) can tell",
                changes.unknown
            ));
        }
        Changelog {
            from: self.from,
            to: self.to,
            direction: self.direction,
            added: side(self.added),
            removed: side(self.removed),
            forge,
            warnings,
        }
    }
}

fn side(notes: Vec<Note>) -> Side {
    let mut side = Side::default();
    for mut note in notes {
        let hidden = || section::hidden(&note).map(|kind| Reason::Hidden { kind });
        match note.left_out.clone().or_else(hidden) {
            Some(reason) => side.left_out.push(LeftOut {
                oid: note.commit.oid,
                subject: std::mem::take(&mut note.subject),
                reason,
            }),
            None => side.shown.push(Entry::of(note)),
        }
    }
    // Stable: newest first stays within each section.
    side.shown.sort_by_key(|it| it.section);
    side
}
