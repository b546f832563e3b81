//! Files that are written from the sources: the table of them, and the one way to write or check.

pub(crate) mod events;
mod program;
mod states;

use std::fmt::Write as _;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::workspace::Workspace;

/// One generated file.
pub(crate) struct Generated {
    /// From the top of the tree.
    pub(crate) path: &'static str,
    /// What it should hold; a function of the tree, so that two runs give the same bytes.
    pub(crate) render: fn(&Workspace) -> Result<String>,
}

/// Every generated file.
pub(crate) const FILES: &[Generated] = &[
    Generated {
        path: "docs/reference/events.md",
        render: events::render,
    },
    Generated {
        path: "docs/reference/states.md",
        render: states::render,
    },
    Generated {
        path: "docs/reference/cli.md",
        render: program::cli,
    },
    Generated {
        path: "docs/reference/configuration.md",
        render: program::configuration,
    },
    Generated {
        path: "docs/reference/services.md",
        render: program::services,
    },
    Generated {
        path: "deploy/helm/towpath/files/nats-users.conf",
        render: program::nats_users,
    },
];

/// What became of a generated file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It held the right bytes.
    UpToDate,
    /// It holds them now.
    Written,
    /// It does not, and was left alone; the difference.
    Stale(String),
}

/// Makes the file at `path` below `root` hold `contents`, or only says what differs.
pub(crate) fn ensure_file_contents(
    root: &Path,
    path: &str,
    contents: &str,
    only_check: bool,
) -> Result<Outcome> {
    let file = root.join(path);
    let before = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read {path}")),
    };
    if before == contents {
        return Ok(Outcome::UpToDate);
    }
    if only_check {
        return Ok(Outcome::Stale(difference(&before, contents)));
    }
    if let Some(directory) = file.parent() {
        fs::create_dir_all(directory).with_context(|| format!("cannot make a place for {path}"))?;
    }
    fs::write(&file, contents).with_context(|| format!("cannot write {path}"))?;
    Ok(Outcome::Written)
}

/// The lines between the common beginning and the common end, the first of them only.
fn difference(before: &str, after: &str) -> String {
    const SHOWN: usize = 20;
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let same = old
        .iter()
        .zip(&new)
        .take_while(|(old, new)| old == new)
        .count();
    let (old, new) = (&old[same..], &new[same..]);
    let end = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(old, new)| old == new)
        .count();
    let mut text = format!("@@ line {} @@\n", same + 1);
    for (sign, lines) in [
        ('-', &old[..old.len() - end]),
        ('+', &new[..new.len() - end]),
    ] {
        for line in lines.iter().take(SHOWN) {
            let _infallible = writeln!(text, "{sign}{line}");
        }
        if lines.len() > SHOWN {
            let _infallible = writeln!(text, "{sign}… {} more lines", lines.len() - SHOWN);
        }
    }
    if old.is_empty() && new.is_empty() {
        text.push_str("only line ends differ\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::root;

    #[test]
    fn generated_files_are_up_to_date() {
        let workspace = Workspace::read(&root()).unwrap();
        for generated in FILES {
            let contents = (generated.render)(&workspace).unwrap();
            let outcome = ensure_file_contents(&root(), generated.path, &contents, true).unwrap();
            let path = generated.path;
            assert_eq!(outcome, Outcome::UpToDate, "{path}: run `cargo xtask gen`");
        }
    }

    #[test]
    fn a_file_is_written_once() {
        let directory = tempfile::tempdir().unwrap();
        let ensure =
            |text, check| ensure_file_contents(directory.path(), "a/b.md", text, check).unwrap();
        assert!(matches!(ensure("x\n", true), Outcome::Stale(_)));
        assert!(
            !directory.path().join("a").exists(),
            "a check writes nothing"
        );
        assert_eq!(ensure("x\n", false), Outcome::Written);
        assert_eq!(ensure("x\n", false), Outcome::UpToDate);
        assert_eq!(ensure("x\n", true), Outcome::UpToDate);
    }

    #[test]
    fn a_difference_shows_what_changed_and_no_more() {
        assert_eq!(
            difference("a\nb\nc\n", "a\nx\ny\nc\n"),
            "@@ line 2 @@\n-b\n+x\n+y\n"
        );
        assert_eq!(difference("", "a\n"), "@@ line 1 @@\n+a\n");
        assert_eq!(
            difference("a", "a\n"),
            "@@ line 2 @@\nonly line ends differ\n"
        );
        assert_eq!(difference("a\na\n", "a\n"), "@@ line 2 @@\n-a\n");
        assert!(difference("", &"a\n".repeat(50)).ends_with("+… 30 more lines\n"));
    }
}
