//! What each commit says about how far the next version is.

use std::collections::BTreeMap;

use ids::Oid;

use crate::bump::Level;
use crate::conventional;

/// A commit that is not released yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreleased {
    /// The commit.
    pub oid: Oid,
    /// Its message, whole.
    pub message: String,
    /// Whether it has two parents or more.
    pub is_merge: bool,
}

/// What one commit, or the labels of a pull request, say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The commit.
    pub oid: Oid,
    /// The pull request, by its number, where the message names one.
    pub pull_request: Option<u64>,
    /// The label that says it.
    pub label: Option<String>,
    /// The type, of a conventional message.
    pub kind: Option<String>,
    /// Whether it breaks what others rely on.
    pub breaking: bool,
    /// How far the next version is by this alone; nothing for what does not count.
    pub level: Option<Level>,
    /// Why it does not count, or not as it is written.
    pub note: Option<String>,
}

/// Judges commits, given newest first, in their order.
pub(super) fn of(commits: &[Unreleased]) -> Vec<Evidence> {
    let taken_back = taken_back(commits);
    commits
        .iter()
        .map(|commit| {
            let mut evidence = judge(commit);
            if let Some(note) = taken_back.get(&commit.oid) {
                evidence.level = None;
                evidence.note = Some(note.clone());
            }
            evidence
        })
        .collect()
}

fn judge(commit: &Unreleased) -> Evidence {
    let pull_request = pull_request(&commit.message);
    let of = |kind, breaking, level, note: Option<&str>| Evidence {
        oid: commit.oid.clone(),
        pull_request,
        label: None,
        kind,
        breaking,
        level,
        note: note.map(str::to_owned),
    };
    match conventional::parse(&commit.message) {
        Ok(it) => {
            let level = Level::of(&it);
            of(Some(it.kind), it.breaking, Some(level), None)
        }
        // To overlook what breaks is worse than to count it twice, wherever it is written.
        Err(_) if marks_breaking(&commit.message) => {
            let note = "marks a breaking change where no footer is";
            of(None, true, Some(Level::Major), Some(note))
        }
        // What it brings in counts by itself.
        Err(_) if commit.is_merge => of(None, false, None, Some("a merge")),
        // The first line may be fine alone.
        Err(_) => {
            let first = commit.message.lines().next().unwrap_or_default();
            let note = Some("not a conventional message");
            match conventional::parse(first) {
                Ok(it) => {
                    let level = Level::of(&it);
                    of(Some(it.kind), it.breaking, Some(level), note)
                }
                Err(_) => of(None, false, Some(Level::Patch), note),
            }
        }
    }
}

fn marks_breaking(message: &str) -> bool {
    let marks = ["BREAKING CHANGE:", "BREAKING-CHANGE:"];
    let mut lines = message.lines().skip(1);
    lines.any(|line| marks.iter().any(|it| line.starts_with(it)))
}

/// Commits and what takes them back, where both are here: together they change nothing. Of a
/// revert that was reverted itself, the first commit counts again.
fn taken_back(commits: &[Unreleased]) -> BTreeMap<Oid, String> {
    let known: Vec<&Oid> = {
        let mut known: Vec<_> = commits.iter().map(|it| &it.oid).collect();
        known.sort();
        known
    };
    let mut gone: BTreeMap<Oid, String> = BTreeMap::new();
    for commit in commits {
        let Some(reverted) = reverted(&commit.message, &known) else {
            continue;
        };
        if gone.contains_key(&commit.oid) || gone.contains_key(reverted) || *reverted == commit.oid
        {
            continue;
        }
        let short = |oid: &Oid| oid.as_str()[..12].to_owned();
        gone.insert(
            commit.oid.clone(),
            format!("takes back {}", short(reverted)),
        );
        gone.insert(
            reverted.clone(),
            format!("taken back by {}", short(&commit.oid)),
        );
    }
    gone
}

/// The commit that a message says it takes back, in the words of `git revert`, if it is one of
/// these (sorted).
fn reverted<'a>(message: &str, known: &[&'a Oid]) -> Option<&'a Oid> {
    let (_, after) = message.split_once("This reverts commit ")?;
    let end = after
        .find(|it: char| !it.is_ascii_hexdigit())
        .unwrap_or(after.len());
    let name = &after[..end];
    if name.len() < 7 {
        return None;
    }
    let at = known.partition_point(|it| it.as_str() < name);
    let found = known.get(at)?;
    found.as_str().starts_with(name).then_some(*found)
}

/// The number of the pull request that a commit came with, as GitHub writes it: `… (#12)` at the
/// end of the first line, or `Merge pull request #12 from …`.
fn pull_request(message: &str) -> Option<u64> {
    let first = message.lines().next()?.trim_end();
    if let Some(rest) = first.strip_prefix("Merge pull request #") {
        return rest.split(' ').next()?.parse().ok();
    }
    let (_, number) = first.strip_suffix(')')?.rsplit_once("(#")?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(number: usize) -> Oid {
        Oid::parse(&format!("{number:040x}")).unwrap()
    }

    fn commits(messages: &[&str]) -> Vec<Unreleased> {
        let of = |(at, message): (usize, &&str)| Unreleased {
            oid: oid(at),
            message: (*message).to_owned(),
            is_merge: message.starts_with("Merge"),
        };
        messages.iter().enumerate().map(of).collect()
    }

    fn levels(messages: &[&str]) -> Vec<Option<Level>> {
        of(&commits(messages))
            .into_iter()
            .map(|it| it.level)
            .collect()
    }

    #[test]
    fn types_decide_and_whatever_breaks_is_major() {
        let found = levels(&[
            "feat: a",
            "Feat(api): a",
            "fix: a",
            "docs!: a",
            "chore: a\n\nBREAKING CHANGE: b",
            "whatever",
            "Merge branch 'x'",
            "",
            "whatever\nBREAKING CHANGE: b",
            "feat: a\nno blank line before",
        ]);
        let patch = Some(Level::Patch);
        let expected = [
            Some(Level::Minor),
            Some(Level::Minor),
            patch,
            Some(Level::Major),
            Some(Level::Major),
            patch,
            None,
            patch,
            Some(Level::Major),
            Some(Level::Minor),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_taken_back_does_not_count_unless_that_is_taken_back_too() {
        let revert = |of: usize| format!("Revert \"x\"\n\nThis reverts commit {}.", oid(of));
        assert_eq!(levels(&[&revert(1), "feat: a"]), [None, None]);
        let twice = [&*revert(1), &*revert(2), "feat: a"];
        assert_eq!(levels(&twice), [None, None, Some(Level::Minor)]);
        // What was released before is not here: taking it back is a change.
        assert_eq!(levels(&[&revert(7), "fix: a"]), [Some(Level::Patch); 2]);
        assert_eq!(
            levels(&["Revert\n\nThis reverts commit 0."]),
            [Some(Level::Patch)]
        );
    }

    #[test]
    fn pull_requests_are_found_where_github_writes_them() {
        assert_eq!(pull_request("feat: a (#12)\n\nb (#13)"), Some(12));
        assert_eq!(pull_request("Merge pull request #5 from a/b"), Some(5));
        for none in ["feat: a", "feat: a (#x)", "see #12", ""] {
            assert_eq!(pull_request(none), None, "{none}");
        }
    }
}
