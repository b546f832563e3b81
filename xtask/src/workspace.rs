//! The tree as text: every file by its path, so that rules are functions of a value and can be
//! tried on a tree that never existed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Directories at the top that are no part of the project.
const NOT_OURS: &[&str] = &["target", ".tools"];

/// Files by path (with `/`, relative to the top). What is not UTF-8 is there with an empty text.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    files: BTreeMap<String, String>,
}

/// The top of the tree that this was built from.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a directory of the workspace")
        .to_owned()
}

impl Workspace {
    /// Reads the tree below `root`, symbolic links not followed.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        let mut open = vec![root.to_owned()];
        while let Some(directory) = open.pop() {
            let entries = fs::read_dir(&directory)
                .with_context(|| format!("cannot read {}", directory.display()))?;
            for entry in entries {
                let entry = entry?;
                let path = entry.path();
                let shown = shown(root, &path);
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    if !NOT_OURS.contains(&shown.as_str()) && entry.file_name() != *".git" {
                        open.push(path);
                    }
                // A worktree's `.git` is a file.
                } else if kind.is_file() && entry.file_name() != *".git" {
                    // An editor's temporary file may be gone by now; it is none of ours then.
                    let Ok(bytes) = fs::read(&path) else { continue };
                    files.insert(shown, String::from_utf8(bytes).unwrap_or_default());
                }
            }
        }
        Ok(Self { files })
    }

    /// Makes a tree of the given files.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self {
            files: files.iter().map(owned).collect(),
        }
    }

    /// Puts one file in, replacing what was there.
    #[cfg(test)]
    pub(crate) fn put(&mut self, path: &str, text: String) {
        self.files.insert(path.to_owned(), text);
    }

    /// Every file, sorted by path.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Every Rust file that is part of a crate: fixtures are other people's.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files()
            .filter(|(path, _)| has_extension(path, "rs") && !is_fixture(path))
    }

    /// One file's text.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// Whether there is a file or a directory with something in it. Empty directories do not
    /// count: git does not keep them.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let inside = format!("{path}/");
        self.files.contains_key(path)
            || self
                .files
                .range(inside.clone()..)
                .next()
                .is_some_and(|(at, _)| at.starts_with(&inside))
    }
}

/// Whether the path's last part ends in a point and `extension`.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}

/// Whether the file is input of a test.
pub(crate) fn is_fixture(path: &str) -> bool {
    path.split('/')
        .any(|part| matches!(part, "fixtures" | "testdata" | "snapshots"))
}

fn shown(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_tree_without_what_is_built_or_kept_by_git() {
        let directory = tempfile::tempdir().unwrap();
        for path in [
            "target/debug/a.rs",
            "services/runner/src/target/mod.rs",
            ".git/config",
            "b.md",
        ] {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        fs::write(directory.path().join("c.bin"), [0xff, 0xfe]).unwrap();
        let workspace = Workspace::read(directory.path()).unwrap();
        let found: Vec<_> = workspace.files().collect();
        let expected = [
            ("b.md", "text"),
            ("c.bin", ""),
            ("services/runner/src/target/mod.rs", "text"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn directories_exist_through_their_files() {
        let workspace = Workspace::of(&[("libs/ids/src/lib.rs", "")]);
        assert!(workspace.exists("libs/ids/"));
        assert!(workspace.exists("libs/ids/src/lib.rs"));
        assert!(!workspace.exists("libs/id"));
        assert!(!workspace.exists("libs/ids/src/lib"));
    }

    #[test]
    fn fixtures_are_no_rust_of_ours() {
        let workspace = Workspace::of(&[
            ("libs/a/tests/fixtures/x.rs", ""),
            ("libs/a/src/lib.rs", ""),
        ]);
        assert_eq!(workspace.rust().count(), 1);
    }
}
