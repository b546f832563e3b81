//! The same change under several names: what was picked from one line onto another.

use std::collections::{BTreeMap, BTreeSet};

use ids::Oid;

use super::draft::Candidates;
use super::left_out::Reason;
use super::lines::Lines;
use super::note::Note;
use super::section;

/// Up to so many commits on both sides together, all are compared.
const ALL: usize = 5_000;

/// What a commit changes, by its name.
pub(super) type Changes = BTreeMap<Oid, [u8; 32]>;

/// Commits whose changes have to be known. Within one side that can only be where lines join, and
/// only those are looked at that are shown and share a subject; a linear range costs nothing. Between two sides
/// all are, unless they are very many.
pub(super) fn candidates(added: &[Note], removed: &[Note]) -> Candidates {
    let mut found = BTreeSet::new();
    for side in [added, removed] {
        if side.iter().any(|it| it.commit.parents.len() > 1) {
            // What is not shown anyway has no need of another reason.
            let visible = side.iter().filter(|it| section::hidden(it).is_none());
            for same in subjects(visible).values().filter(|it| it.len() > 1) {
                found.extend(same.iter().map(|it| it.commit.oid.clone()));
            }
        }
    }
    let narrowed = is_narrowed(added, removed);
    if narrowed {
        let (ours, theirs) = (subjects(added), subjects(removed));
        for (subject, same) in &ours {
            if let Some(others) = theirs.get(subject) {
                let both = same.iter().chain(others);
                found.extend(both.map(|it| it.commit.oid.clone()));
            }
        }
    } else if are_apart(added, removed) {
        let both = added.iter().chain(removed).filter(|it| is_open(it));
        found.extend(both.map(|it| it.commit.oid.clone()));
    }
    Candidates {
        commits: found.into_iter().collect(),
        narrowed,
    }
}

/// Whether there are so many that not all are compared.
pub(super) fn is_narrowed(added: &[Note], removed: &[Note]) -> bool {
    are_apart(added, removed) && added.len() + removed.len() > ALL
}

fn are_apart(added: &[Note], removed: &[Note]) -> bool {
    !added.is_empty() && !removed.is_empty()
}

fn is_open(note: &Note) -> bool {
    note.left_out.is_none()
}

/// Commits by subject, without numbers of pull requests and regardless of case.
fn subjects<'a>(notes: impl IntoIterator<Item = &'a Note>) -> BTreeMap<String, Vec<&'a Note>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for note in notes.into_iter().filter(|it| is_open(it)) {
        let subject = super::revert::bare(&note.subject).to_lowercase();
        found.entry(subject).or_default().push(note);
    }
    found
}

/// Leaves out what both sides have, and all but the first of what one side has several times.
pub(super) fn settle(added: &mut [Note], removed: &mut [Note], changes: &Changes) {
    if changes.is_empty() {
        return;
    }
    let (ours, theirs) = (alike(added, changes), alike(removed, changes));
    for (change, same) in &ours {
        let Some(others) = theirs.get(change) else {
            continue;
        };
        let (first, other) = (oldest(added, same), oldest(removed, others));
        for (side, places, twin) in [(&mut *added, same, other), (&mut *removed, others, first)] {
            for at in places {
                side[*at].left_out = Some(Reason::OnBothSides { twin: twin.clone() });
            }
        }
    }
    within(added, &ours);
    within(removed, &theirs);
}

fn oldest(side: &[Note], places: &[usize]) -> Oid {
    let last = places.last().expect("a group holds what it was made for");
    side[*last].commit.oid.clone()
}

/// Places of commits that change the same.
type Alike = BTreeMap<[u8; 32], Vec<usize>>;

fn alike(side: &[Note], changes: &Changes) -> Alike {
    let mut found = Alike::new();
    for (at, note) in side.iter().enumerate().filter(|(_, note)| is_open(note)) {
        if let Some(change) = changes.get(&note.commit.oid) {
            found.entry(*change).or_default().push(at);
        }
    }
    found
}

/// Picked from line to line: none was made on the other. A change that is made twice on one line
/// (there, gone, there again) is two.
fn within(side: &mut [Note], alike: &Alike) {
    let mut out = Vec::new();
    let groups = || alike.values().filter(|it| it.len() > 1);
    if groups().next().is_none() {
        return;
    }
    let lines = Lines::of(side);
    for group in groups() {
        let mut kept: Vec<usize> = Vec::new();
        for at in group.iter().rev().filter(|it| is_open(&side[**it])) {
            let apart = |it: &&usize| !lines.descends(*at, **it) && !lines.descends(**it, *at);
            match kept.iter().find(apart) {
                Some(it) => out.push((*at, side[*it].commit.oid.clone())),
                None => kept.push(*at),
            }
        }
    }
    for (at, kept) in out {
        side[at].left_out = Some(Reason::Duplicate { kept });
    }
}
