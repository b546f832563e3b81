//! What a repository asks of its commit messages beyond the specification. None of it makes a
//! message less valid, and the length of a line is nobody's business.

use crate::conventional::{Conventional, Fault, lines, marker};

/// Types that are allowed unless somebody says otherwise.
pub const TYPES: [&str; 11] = [
    "feat", "fix", "docs", "test", "ci", "refactor", "perf", "chore", "revert", "build", "style",
];

/// Branches that are protected unless somebody says otherwise.
pub const PROTECTED: [&str; 4] = ["main", "master", "develop", "release/*/*"];

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Types that are allowed, in lower case.
    pub types: Vec<String>,
    /// Names of branches that are protected; `*` stands for anything but a `/`.
    pub protected: Vec<String>,
}

/// A commit that is there only until its branch is cleaned up, by its first words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// What `git revert` writes.
    Revert,
    /// What `git commit --fixup`, `--squash` and `--fixup=amend:` write.
    Autosquash(&'static str),
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            types: TYPES.map(str::to_owned).to_vec(),
            protected: PROTECTED.map(str::to_owned).to_vec(),
        }
    }
}

impl Policy {
    /// Whether a branch is one of the protected ones.
    pub fn is_protected(&self, branch: &str) -> bool {
        self.protected.iter().any(|it| covers(it, branch))
    }

    /// What this policy has against a message, in order. `change` is what the message means, when
    /// it conforms.
    pub fn judge(
        &self,
        message: &str,
        change: Option<&Conventional>,
        on_protected: bool,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        if on_protected && let Some(passing) = Passing::of(message) {
            faults.push(passing.refused());
        }
        if let Some(change) = change {
            faults.extend(self.kind(&change.kind));
            if !change.breaking {
                faults.extend(unread_markers(message));
            }
        }
        faults
    }

    fn kind(&self, kind: &str) -> Option<Fault> {
        let lower = kind.to_lowercase();
        let (what, fix) = if !self.types.contains(&lower) {
            (
                format!("the type `{kind}` is not one of those that are allowed here"),
                format!("take one of {}", self.types.join(", ")),
            )
        } else if lower == kind {
            return None;
        } else {
            (
                format!("the type `{kind}` is not in lower case"),
                format!("write `{lower}`"),
            )
        };
        Some(Fault {
            line: 1,
            column: 1,
            what,
            fix,
        })
    }
}

impl Passing {
    /// Which of them a message is, if any.
    pub fn of(message: &str) -> Option<Self> {
        if ["Revert \"", "Reapply \""]
            .iter()
            .any(|it| message.starts_with(it))
        {
            return Some(Self::Revert);
        }
        let squashed = ["fixup! ", "squash! ", "amend! "];
        let found = squashed.into_iter().find(|it| message.starts_with(it))?;
        Some(Self::Autosquash(found.trim_end()))
    }

    fn refused(self) -> Fault {
        let (what, fix) = match self {
            Self::Revert => (
                "what git writes for a revert has no type".to_owned(),
                "write `revert: <what is taken back>`, with a footer `Refs: <commit>`".to_owned(),
            ),
            Self::Autosquash(word) => (
                format!(
                    "a `{word}` commit is made to be melted into another one, and this branch is protected"
                ),
                "run `git rebase --interactive --autosquash` before it gets here".to_owned(),
            ),
        };
        Fault {
            line: 1,
            column: 1,
            what,
            fix,
        }
    }
}

/// Lines that were probably meant as a footer of rule 12 and are none: a breaking change that
/// nobody would notice.
fn unread_markers(message: &str) -> impl Iterator<Item = Fault> {
    let below = lines(message).into_iter().enumerate().skip(1);
    below.filter_map(|(at, line)| {
        let text = line.trim_start_matches([' ', '\t', '-', '*', '+', '>', '#', '_']);
        if marker(line).is_some() || !is_meant_as_marker(text) {
            return None;
        }
        Some(Fault {
            line: at + 1,
            column: line[..line.len() - text.len()].chars().count() + 1,
            what: "this marks no breaking change, though it looks as if it should".to_owned(),
            fix: "begin a line behind a blank one with `BREAKING CHANGE: ` and say what breaks, \
                  or put `!` before the first colon; if nothing breaks, write it otherwise"
                .to_owned(),
        })
    })
}

/// `Breaking changes:`, `BREAKING CHANGE #5`, `breaking-change : `…
fn is_meant_as_marker(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix("breaking");
    let rest = rest.and_then(|it| it.strip_prefix([' ', '-', '_']));
    let rest = rest.and_then(|it| it.strip_prefix("change"));
    rest.is_some_and(|it| {
        let it = it.strip_prefix('s').unwrap_or(it);
        it.trim_start_matches([' ', '*', '_'])
            .starts_with([':', '#'])
    })
}

/// Whether a pattern is a name, part by part between the `/`.
fn covers(pattern: &str, name: &str) -> bool {
    let (patterns, names) = (pattern.split('/'), name.split('/'));
    patterns.clone().count() == names.clone().count()
        && patterns
            .zip(names)
            .all(|(pattern, name)| part(pattern, name))
}

/// One part: what stands between the `*` comes in this order, with anything between.
fn part(pattern: &str, name: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut rest) = name.strip_prefix(head) else {
        return false;
    };
    let (middle, last) = tail.rsplit_once('*').unwrap_or(("", tail));
    for piece in middle.split('*') {
        let Some(at) = rest.find(piece) else {
            return false;
        };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conventional::parse;

    fn judged(message: &str, on_protected: bool) -> Vec<String> {
        let change = parse(message).ok();
        let faults = Policy::default().judge(message, change.as_ref(), on_protected);
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn types_are_allowed_in_lower_case() {
        for kind in TYPES {
            assert_eq!(judged(&format!("{kind}: x"), true), [""; 0]);
        }
        assert_eq!(
            judged("Feat(x)!: y", false),
            ["line 1, column 1: the type `Feat` is not in lower case"]
        );
        assert_eq!(
            judged("feature: y", false),
            ["line 1, column 1: the type `feature` is not one of those that are allowed here"]
        );
        let own = Policy {
            types: vec!["task".to_owned()],
            ..Policy::default()
        };
        let change = parse("feat: x").unwrap();
        let faults = own.judge("feat: x", Some(&change), false);
        assert_eq!(faults[0].fix, "take one of task");
    }

    #[test]
    fn a_long_first_line_is_no_fault() {
        assert_eq!(
            judged(&format!("feat: {}", "x".repeat(5000)), true),
            [""; 0]
        );
    }

    #[test]
    fn what_git_writes_for_a_while_is_refused_only_on_protected_branches() {
        for (message, word) in [
            ("Revert \"feat: x\"\n\nThis reverts commit 12.", "revert"),
            ("Reapply \"feat: x\"", "revert"),
            ("fixup! feat: x", "`fixup!`"),
            ("squash! feat: x", "`squash!`"),
            ("amend! feat: x\n\nfeat: y", "`amend!`"),
        ] {
            assert_eq!(judged(message, false), [""; 0], "{message}");
            let faults = judged(message, true);
            assert!(faults.len() == 1 && faults[0].contains(word), "{faults:?}");
        }
        for message in ["revert: x", "Reverted \"x\"", "fixup: x", "fixup!x"] {
            assert_eq!(Passing::of(message), None, "{message}");
        }
    }

    #[test]
    fn a_breaking_change_that_nobody_would_notice_is_told() {
        for (line, column) in [
            ("BREAKING CHANGE #5", 1),
            ("BREAKING CHANGE:y", 1),
            ("BREAKING CHANGE:", 1),
            ("BREAKING CHANGES: y", 1),
            ("breaking change: y", 1),
            ("breaking-change: y", 1),
            ("  BREAKING CHANGE: y", 3),
            ("* **BREAKING CHANGE**: y", 5),
            ("### Breaking changes:", 5),
        ] {
            let message = format!("feat: x\n\nWhy.\n\n{line}\nmore");
            let faults = judged(&message, false);
            let place = format!("line 5, column {column}: ");
            assert!(
                faults.len() == 1 && faults[0].starts_with(&place),
                "{line}: {faults:?}"
            );
            // Where it is breaking anyway, nothing is lost.
            assert_eq!(
                judged(&message.replacen("feat", "feat!", 1), false),
                [""; 0]
            );
        }
        for line in [
            "a breaking change: y",
            "Breaking changes are bad.",
            "BREAKING: y",
        ] {
            assert_eq!(
                judged(&format!("feat: x\n\n{line}"), false),
                [""; 0],
                "{line}"
            );
        }
    }

    #[test]
    fn branches_are_protected_by_their_names() {
        let policy = Policy::default();
        for name in [
            "main",
            "master",
            "develop",
            "release/1/x",
            "release/storefront/1.2",
        ] {
            assert!(policy.is_protected(name), "{name}");
        }
        for name in [
            "feature/main",
            "main/x",
            "release/1",
            "release/1/2/3",
            "Main",
            "mainline",
            "",
        ] {
            assert!(!policy.is_protected(name), "{name}");
        }
        for (pattern, name, is) in [
            ("v*", "v1.2", true),
            ("v*", "w1", false),
            ("v*.x", "v1.x", true),
            ("v*.x", "v.", false),
            ("*-*-*", "a-b-c", true),
            ("*-*-*", "a-b", false),
            ("a*a", "a", false),
            ("**", "anything", true),
            ("*", "a/b", false),
        ] {
            assert_eq!(covers(pattern, name), is, "{pattern} {name}");
        }
    }
}
