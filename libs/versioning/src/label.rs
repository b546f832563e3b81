//! Labels of pull requests that say how far the next version is, and what a title derives.
//!
//! A title derives `release/major` when it marks a breaking change, `release/minor` when its type
//! is `feat`, and nothing otherwise: no label means a patch. `release/patch` is for people, who
//! may say so of anything.

use crate::bump::Level;
use crate::conventional::{Conventional, Fault, parse};

/// What labels about versions begin with.
const PREFIX: &str = "release/";

/// What a title derives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// How far the next version is because of it.
    pub level: Level,
    /// The label; none for a patch.
    pub label: Option<&'static str>,
    /// Why, as a sentence.
    pub why: String,
}

/// Labels that begin like ours and are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "no release label: {}; there are release/major, release/minor and release/patch, so take the \
     others off",
    self.labels.join(", ")
)]
pub struct Unknown {
    /// As they are written.
    pub labels: Vec<String>,
}

impl Level {
    /// How far a change moves the version: breaking moves the first number, a feature the second,
    /// everything else the third.
    pub fn of(change: &Conventional) -> Self {
        if change.breaking {
            Self::Major
        } else if change.is("feat") {
            Self::Minor
        } else {
            Self::Patch
        }
    }

    /// The label that says so.
    pub fn label(self) -> &'static str {
        match self {
            Self::Patch => "release/patch",
            Self::Minor => "release/minor",
            Self::Major => "release/major",
        }
    }
}

/// What the title of a pull request derives. A title is one line: what a body says of breaking
/// changes is no part of it.
pub fn derive(title: &str) -> Result<Derived, Vec<Fault>> {
    let title = title.trim_end_matches(['\r', '\n']);
    if let Some((first, _)) = title.split_once('\n') {
        return Err(vec![Fault {
            line: 1,
            column: first.trim_end_matches('\r').chars().count() + 1,
            what: "the title goes on behind the end of its line".to_owned(),
            fix: "give the first line alone: a body derives no label".to_owned(),
        }]);
    }
    let change = parse(title)?;
    let level = Level::of(&change);
    let kind = &change.kind;
    let (label, why) = match level {
        Level::Major => (
            Some(level.label()),
            "`!` before the colon marks a breaking change".to_owned(),
        ),
        Level::Minor => (
            Some(level.label()),
            format!("the type `{kind}` adds a feature"),
        ),
        Level::Patch => (
            None,
            format!("the type `{kind}` without `!` needs no label: the next version is a patch"),
        ),
    };
    Ok(Derived { level, label, why })
}

/// What the labels of a pull request say: the highest of ours, nothing when there is none. The
/// forge knows no two labels that differ only in case, nor do we.
pub fn level<'a>(labels: impl IntoIterator<Item = &'a str>) -> Result<Option<Level>, Unknown> {
    let mut highest = None;
    let mut unknown = Vec::new();
    for label in labels {
        let lower = label.to_ascii_lowercase();
        let known = [Level::Patch, Level::Minor, Level::Major];
        match known.into_iter().find(|it| it.label() == lower) {
            Some(level) => highest = highest.max(Some(level)),
            None if lower.starts_with(PREFIX) => unknown.push(label.to_owned()),
            None => {}
        }
    }
    if unknown.is_empty() {
        Ok(highest)
    } else {
        Err(Unknown { labels: unknown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_derives_major_minor_or_nothing() {
        for (title, label) in [
            ("feat(api): add an endpoint", Some("release/minor")),
            ("FEAT: x", Some("release/minor")),
            ("feat!: x", Some("release/major")),
            ("feat(db)!: redesign the schema", Some("release/major")),
            ("chore!: drop support", Some("release/major")),
            ("fix(api): correct the status", None),
            ("docs: explain feat: prefixes", None),
            ("feature: no feat", None),
            ("feat: x\r\n", Some("release/minor")),
        ] {
            assert_eq!(derive(title).unwrap().label, label, "{title}");
        }
    }

    #[test]
    fn a_title_that_derives_nothing_is_refused_where_it_is_wrong() {
        let columns = |title: &str| derive(title).unwrap_err()[0].column;
        assert_eq!(columns("Add an endpoint"), 4);
        assert_eq!(columns("feat(api: x"), 5);
        // A footer is no part of a title, so that it is not overlooked either.
        assert_eq!(columns("fix: x\n\nBREAKING CHANGE: y"), 7);
        assert_eq!(columns("fix: x\r\nfeat: y"), 7);
    }

    #[test]
    fn the_highest_label_counts() {
        let said = |labels: &[&str]| level(labels.iter().copied());
        assert_eq!(said(&[]), Ok(None));
        assert_eq!(said(&["bug", "released"]), Ok(None));
        assert_eq!(said(&["release/patch"]), Ok(Some(Level::Patch)));
        assert_eq!(
            said(&["release/minor", "bug", "release/major", "release/patch"]),
            Ok(Some(Level::Major))
        );
        assert_eq!(said(&["Release/Minor"]), Ok(Some(Level::Minor)));
    }

    #[test]
    fn a_label_of_ours_that_is_none_is_named() {
        let error = level(["release/major", "release/mayor", "release/"]).unwrap_err();
        assert_eq!(error.labels, ["release/mayor", "release/"]);
        assert!(
            error.to_string().contains("release/mayor, release/;"),
            "{error}"
        );
    }
}
