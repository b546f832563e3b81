//! What each commit says about how far the next version is.

use std::collections::{BTreeMap, BTreeSet};

use ids::Oid;

use crate::bump::Level;
use crate::changelog::{Reason, revert};
use crate::commit::Commit;
use crate::conventional;

/// What one commit, or a pull request, says.
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

/// What a merged pull request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// A commit that it brought.
    pub commit: Oid,
    /// Its number.
    pub pull_request: u64,
    /// By what.
    pub by: By,
    /// How far the next version is by it.
    pub level: Level,
}

/// What a pull request says it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// This label.
    Label(String),
    /// Its body, which says that this breaks.
    Body(String),
}

/// All that is said.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// By pull requests, each once, in the order of their newest commits.
    pub(super) pull_requests: Vec<Evidence>,
    /// By commits, in their order.
    pub(super) commits: Vec<Evidence>,
}

/// Judges commits, given newest first, and the pull requests that they came with. What a commit and
/// its revert brought, both unreleased, is nothing: the same pairs that a changelog leaves out; nor
/// do pull requests count that were taken back. What the one says that takes back counts.
pub(super) fn of(commits: &[Commit], base: Option<&Oid>, said: &[Said]) -> Found {
    let taken_back = revert::taken_back(commits, base);
    let mut of_commits: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for it in said {
        of_commits.entry(&it.commit).or_default().push(it);
    }
    let mut found = Found::default();
    let mut seen = BTreeSet::new();
    for commit in commits {
        let mut evidence = judge(commit);
        if let Some(why) = taken_back.get(&commit.oid) {
            evidence.level = None;
            evidence.note = note(why);
        }
        // What is taken back says nothing; what takes it back may say something of its own.
        if !matches!(taken_back.get(&commit.oid), Some(Reason::Reverted { .. })) {
            let said = of_commits.remove(&commit.oid).unwrap_or_default();
            let is_body = |it: &Said| matches!(it.by, By::Body(_));
            let new = said
                .into_iter()
                .filter(|it| seen.insert((it.pull_request, is_body(it))));
            found.pull_requests.extend(new.map(by_pull_request));
        }
        found.commits.push(evidence);
    }
    found
}

fn by_pull_request(it: &Said) -> Evidence {
    let (label, note) = match &it.by {
        By::Label(label) => (Some(label.clone()), None),
        By::Body(breaks) => (None, Some(format!("the body says what breaks: {breaks}"))),
    };
    Evidence {
        oid: it.commit.clone(),
        pull_request: Some(it.pull_request),
        label,
        kind: None,
        breaking: it.level == Level::Major,
        level: Some(it.level),
        note,
    }
}

fn note(why: &Reason) -> Option<String> {
    let short = |oid: &Oid| oid.as_str()[..12].to_owned();
    match why {
        Reason::Revert { of } => {
            let names: Vec<_> = of.iter().map(short).collect();
            Some(format!("takes back {}", names.join(", ")))
        }
        Reason::Reverted { by } => Some(format!("taken back by {}", short(by))),
        Reason::Merge
        | Reason::Hidden { .. }
        | Reason::Duplicate { .. }
        | Reason::OnBothSides { .. } => None,
    }
}

fn judge(commit: &Commit) -> Evidence {
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
        Err(_) if conventional::marks_footer(&commit.message) => {
            let note = "marks a breaking change where no footer is";
            of(None, true, Some(Level::Major), Some(note))
        }
        // What it brings in counts by itself.
        Err(_) if commit.parents.len() > 1 => of(None, false, None, Some("a merge")),
        // The first line may be fine alone.
        Err(_) => {
            let first = commit.message.lines().next().unwrap_or_default();
            let note = Some("not a conventional message");
            match conventional::parse(first) {
                Ok(it) => {
                    let level = Level::of(&it);
                    of(Some(it.kind), it.breaking, Some(level), note)
                }
                Err(_) if conventional::marks_header(&commit.message) => {
                    let note = Some("marks a breaking change, though not as it has to be written");
                    of(None, true, Some(Level::Major), note)
                }
                Err(_) => of(None, false, Some(Level::Patch), note),
            }
        }
    }
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
    use crate::commit::Person;

    fn oid(number: usize) -> Oid {
        Oid::parse(&format!("{number:040x}")).unwrap()
    }

    fn commits(messages: &[&str]) -> Vec<Commit> {
        let of = |(at, message): (usize, &&str)| Commit {
            oid: oid(at),
            parents: vec![oid(at + 1); 1 + usize::from(message.starts_with("Merge"))],
            message: (*message).to_owned(),
            author: Person {
                name: "Ada".into(),
                email: "ada@example.org".into(),
            },
            committed_at: 0,
        };
        messages.iter().enumerate().map(of).collect()
    }

    fn levels(messages: &[&str]) -> Vec<Option<Level>> {
        of(&commits(messages), None, &[])
            .commits
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
            "feat!:a",
            "feat(api) ! : a",
            "BREAKING CHANGE: a",
            "what! : a",
            "!: a",
            "wow! it works: a",
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
            Some(Level::Major),
            Some(Level::Major),
            Some(Level::Major),
            Some(Level::Major),
            patch,
            patch,
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
    fn a_pull_request_counts_once_and_not_when_it_is_taken_back() {
        let revert = format!("Revert \"x\"\n\nThis reverts commit {}.", oid(1));
        let all = commits(&[&revert, "fix: a", "fix: b", "fix: c"]);
        let labelled = |at: usize, pull_request: u64, level: Level| Said {
            commit: oid(at),
            pull_request,
            by: By::Label(level.label().to_owned()),
            level,
        };
        let breaks = |at: usize, pull_request: u64| Said {
            commit: oid(at),
            pull_request,
            by: By::Body("all of it".to_owned()),
            level: Level::Major,
        };
        let labels = [
            labelled(1, 7, Level::Major),
            // Of the one that takes it back.
            labelled(0, 8, Level::Patch),
            // Of one pull request with two commits.
            labelled(3, 5, Level::Minor),
            labelled(2, 5, Level::Minor),
            breaks(3, 5),
            breaks(2, 5),
            breaks(1, 7),
            // Of a commit that is none of these.
            labelled(9, 3, Level::Major),
        ];
        let found = of(&all, None, &labels);
        let said = found.pull_requests.iter();
        let said: Vec<_> = said.map(|it| (it.oid.clone(), it.level)).collect();
        let expected = [
            (oid(0), Some(Level::Patch)),
            (oid(2), Some(Level::Minor)),
            (oid(2), Some(Level::Major)),
        ];
        assert_eq!(said, expected);
        assert_eq!(
            found.pull_requests[2].note.as_deref(),
            Some("the body says what breaks: all of it")
        );
        assert_eq!(found.commits.len(), 4);
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
