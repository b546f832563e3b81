//! Commits that take back others.

use std::cell::LazyCell;
use std::collections::{BTreeMap, VecDeque};

use ids::Oid;

use super::left_out::Reason;
use super::lines::Lines;
use super::note::Note;
use crate::commit::Commit;
use crate::conventional::Conventional;

/// The shortest beginning of a name that counts as one.
const SHORTEST: usize = 7;

/// What a commit says that it takes back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Reverts {
    /// Commits by their names, perhaps shortened.
    pub(super) commits: Vec<String>,
    /// When there are none: a commit by the first line of its message.
    pub(super) subject: Option<String>,
    /// Of a merge: the line that it is taken back from.
    mainline: Option<String>,
}

impl Reverts {
    /// Git's `This reverts commit <name>`; else the `Refs` of a `revert:`; else the subject
    /// quoted by `Revert "…"`.
    pub(super) fn read(message: &str, subject: &str, it: Option<&Conventional>) -> Self {
        let Some(mut commits) = in_body(message) else {
            return Self::default();
        };
        let is_revert = it.is_some_and(|it| it.kind.eq_ignore_ascii_case("revert"));
        if let (true, Some(it)) = (commits.is_empty() && is_revert, it) {
            let refs = it.footers.iter();
            let refs = refs.filter(|it| it.token.eq_ignore_ascii_case("refs"));
            commits = refs.flat_map(|it| names(&it.value)).collect();
        }
        let described = it.filter(|_| is_revert).map(|it| it.description.as_str());
        let by_subject = || quoted(subject).or_else(|| described.map(bare).map(str::to_owned));
        let subject = commits.is_empty().then(by_subject).flatten();
        Self {
            commits,
            subject,
            mainline: mainline(message),
        }
    }

    pub(super) fn is_any(&self) -> bool {
        !self.commits.is_empty() || self.subject.is_some()
    }
}

/// `This reverts commit <name>[, <name> and <name>]` at the beginning of a line, where git writes
/// it, as often as it stands there. In a quotation or inside a sentence it tells of another commit.
/// Nothing where a commit is taken back in part: the rest of it is still there.
fn in_body(message: &str) -> Option<Vec<String>> {
    let lower = message.to_ascii_lowercase();
    let mut found = Vec::new();
    for (at, phrase) in lower.match_indices("this reverts commit") {
        if at > 0 && lower.as_bytes()[at - 1] != b'\n' {
            continue;
        }
        let rest = &lower[at + phrase.len()..];
        let line = rest.lines().next().unwrap_or_default();
        let mut words = line.split(|it: char| !it.is_alphanumeric());
        if words.any(|it| matches!(it, "part" | "parts" | "partly" | "partially")) {
            return None;
        }
        found.extend(names(rest.strip_prefix('s').unwrap_or(rest)));
    }
    Some(found)
}

/// Git's `, reversing changes made to <name>`, which stands on two lines.
fn mainline(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("reversing\nchanges made to ")?;
    names(rest).into_iter().next()
}

/// Names of commits up to the first word that is none.
fn names(text: &str) -> Vec<String> {
    let words = text.split(|it: char| it.is_whitespace() || it == ',');
    let words = words.map(|it| it.trim_matches(['.', ';', ':', '(', ')', '`']));
    let words = words.filter(|it| !it.is_empty() && *it != "and");
    words
        .take_while(|it| is_name(it))
        .map(str::to_ascii_lowercase)
        .collect()
}

fn is_name(word: &str) -> bool {
    (SHORTEST..=64).contains(&word.len()) && word.bytes().all(|it| it.is_ascii_hexdigit())
}

/// The subject that `Revert "…"` quotes. `Reapply "…"` is how git calls the revert of a revert.
fn quoted(subject: &str) -> Option<String> {
    let subject = bare(subject);
    if let Some(rest) = subject.strip_prefix("Reapply \"") {
        return Some(format!("Revert \"{}\"", rest.strip_suffix('"')?));
    }
    let rest = subject.strip_prefix("Revert \"")?;
    Some(bare(rest.strip_suffix('"')?).to_owned())
}

/// A subject without the number of the pull request that forges add.
pub(super) fn bare(subject: &str) -> &str {
    let number = subject
        .strip_suffix(')')
        .and_then(|it| it.rsplit_once(" (#"));
    match number {
        Some((bare, digits)) if digits.bytes().all(|it| it.is_ascii_digit()) => bare.trim_end(),
        _ => subject,
    }
}

/// What a commit takes back, by places.
#[derive(Debug, Default)]
struct Target {
    /// What it names.
    named: Vec<usize>,
    /// What the merges that it names had brought.
    brought: Vec<usize>,
}

/// Leaves out commits with what takes them back, where the range has both. A revert that is itself
/// taken back takes nothing back; one whose commit is elsewhere is news, and stays. `base` is the
/// other end of the range: what is not in the range, it has.
fn pair(notes: &mut [Note], base: &Oid) {
    if !notes.iter().any(|it| it.reverts.is_any()) {
        return;
    }
    let targets = targets(notes, base);
    // How many reverts of a commit are not judged yet: it is judged after all of them.
    let mut open = vec![0_usize; notes.len()];
    for at in targets.iter().flat_map(Target::all) {
        open[at] += 1;
    }
    let mut queue: VecDeque<usize> = (0..notes.len()).filter(|at| open[*at] == 0).collect();
    while let Some(at) = queue.pop_front() {
        take(notes, at, &targets[at]);
        for it in targets[at].all() {
            open[it] -= 1;
            if open[it] == 0 {
                queue.push_back(it);
            }
        }
    }
}

/// The same for a range that may have no `base`: nothing stands before it.
pub(super) fn pair_onto(notes: &mut [Note], base: Option<&Oid>) {
    let nothing = Oid::parse(&"0".repeat(40));
    if let Some(base) = base.or(nothing.as_ref().ok()) {
        pair(notes, base);
    }
}

/// Commits that count for nothing, since the range has both them and what takes them back, with
/// why.
pub(crate) fn taken_back(commits: &[Commit], base: Option<&Oid>) -> BTreeMap<Oid, Reason> {
    let mut notes: Vec<_> = commits.iter().cloned().map(Note::read).collect();
    pair_onto(&mut notes, base);
    let judged = notes.into_iter().map(|it| (it.commit.oid, it.left_out));
    judged
        .filter_map(|(oid, why)| match why? {
            why @ (Reason::Revert { .. } | Reason::Reverted { .. }) => Some((oid, why)),
            Reason::Merge
            | Reason::Hidden { .. }
            | Reason::Duplicate { .. }
            | Reason::OnBothSides { .. } => None,
        })
        .collect()
}

impl Target {
    fn all(&self) -> impl Iterator<Item = usize> {
        self.named.iter().chain(&self.brought).copied()
    }
}

/// Leaves out a revert and what it takes back, unless either went with another one before.
fn take(notes: &mut [Note], at: usize, target: &Target) {
    let is_there = |it: &usize| matches!(notes[*it].left_out, None | Some(Reason::Merge));
    if target.named.is_empty() || !is_there(&at) || !target.named.iter().all(is_there) {
        return;
    }
    let brought = target.brought.iter();
    let brought = brought.filter(|it| notes[**it].left_out.is_none());
    let of: Vec<usize> = target.named.iter().chain(brought).copied().collect();
    let by = notes[at].commit.oid.clone();
    let names = of.iter().map(|it| notes[*it].commit.oid.clone()).collect();
    notes[at].left_out = Some(Reason::Revert { of: names });
    for it in of {
        notes[it].left_out = Some(Reason::Reverted { by: by.clone() });
    }
}

/// What each commit takes back; nothing where one of those it names is not in the range.
fn targets(notes: &[Note], base: &Oid) -> Vec<Target> {
    let lines = Lines::of(notes);
    // Most reverts name a commit.
    let subjects = LazyCell::new(|| lines.by_subject(|note| bare(&note.subject)));
    let by_subject = |at: usize, subject: &str| {
        let same = subjects.get(subject)?;
        // The newest of those it was made on.
        same.iter().copied().find(|it| lines.descends(at, *it))
    };
    let target = |(at, note): (usize, &Note)| {
        let reverts = &note.reverts;
        if let Some(subject) = &reverts.subject {
            let named = by_subject(at, subject).into_iter().collect();
            return Some(Target {
                named,
                ..Target::default()
            });
        }
        let mut target = Target::default();
        for name in &reverts.commits {
            let named = lines.named(name).filter(|it| *it != at)?;
            if !target.named.contains(&named) {
                target.named.push(named);
                if notes[named].commit.parents.len() > 1 {
                    let brought = lines.brought(named, reverts.mainline.as_deref(), base)?;
                    target
                        .brought
                        .extend(brought.into_iter().filter(|it| *it != at));
                }
            }
        }
        target.brought.retain(|it| !target.named.contains(it));
        target.brought.sort_unstable();
        target.brought.dedup();
        Some(target)
    };
    let all = notes.iter().enumerate();
    all.map(|it| target(it).unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reverts_are_recognised_in_the_three_ways_they_are_written() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let read = |message: &str| {
            let subject = message.lines().next().unwrap_or_default();
            Reverts::read(
                message,
                subject,
                crate::conventional::parse(message).ok().as_ref(),
            )
        };
        let commits = |message: &str| read(message).commits;
        let subject = |message: &str| read(message).subject.unwrap_or_default();
        assert_eq!(
            commits(&format!("Revert \"x\"\n\nThis reverts commit {a}.")),
            [a.as_str()]
        );
        let merge =
            format!("Revert \"x\"\n\nThis reverts commit {a}, reversing\nchanges made to {b}.");
        assert_eq!(commits(&merge), [a.as_str()]);
        let several = format!("undo\n\nThis reverts commits {a}, {b} and abcdef1.");
        assert_eq!(commits(&several), [a.as_str(), &b, "abcdef1"]);
        assert_eq!(
            commits("revert: the noodle\n\nRefs: 676104e, a215868"),
            ["676104e", "a215868"]
        );
        assert_eq!(commits("fix: the noodle\n\nRefs: 676104e"), [""; 0]);
        for other in [
            "docs: about it\n\n> This reverts commit abcdef1.",
            "docs: about it\n\n    This reverts commit abcdef1.",
            "docs: about it\n\nNo: this reverts commit abcdef1.",
            "Revert \"x\"\n\nThis reverts commit abcdef1 in part.",
            "Revert \"x\"\n\nThis reverts commit abcdef1, but only partially.",
        ] {
            assert_eq!(commits(other), [""; 0], "{other}");
            assert_eq!(subject(other), "", "{other}");
        }
        assert_eq!(subject("Revert \"feat: x (#12)\" (#13)"), "feat: x");
        assert_eq!(
            subject("Revert \"Revert \"feat: x\"\""),
            "Revert \"feat: x\""
        );
        assert_eq!(subject("Reapply \"feat: x\""), "Revert \"feat: x\"");
        assert_eq!(subject("revert: feat: x (#2)"), "feat: x");
        assert_eq!(subject("Reverted the thing"), "");
    }
}
