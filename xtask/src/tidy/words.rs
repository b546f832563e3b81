//! Words that no file of the project holds.

use super::{Rule, Violation};
use crate::workspace::Workspace;

/// Unfinished work, one machine's paths, and where packages come from.
pub(super) const NO_FORBIDDEN_WORDS: Rule = Rule {
    name: "no_forbidden_words",
    why: "what is merged is finished, runs on every machine, and takes packages from wherever the \
          machine's own package managers are told to",
    remedy: "finish it or file an issue; use relative paths; call cargo, pip, npm or apt by name",
    check,
};

/// Each word is written in two parts, so that this file may pass its own rule.
const FORBIDDEN: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "unfinished work"),
    (concat!("FIX", "ME"), "unfinished work"),
    (concat!("#[ig", "nore"), "a test that does not run"),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("crates", ".io"), "the host of a package registry"),
    (concat!("pypi", ".org"), "the host of a package registry"),
    (
        concat!("pythonhosted", ".org"),
        "the host of a package registry",
    ),
    (concat!("npmjs", ".org"), "the host of a package registry"),
    (concat!("npmjs", ".com"), "the host of a package registry"),
    (
        concat!("proxy.golang", ".org"),
        "the host of a package registry",
    ),
    (
        concat!("deb.debian", ".org"),
        "the host of a package registry",
    ),
];

/// Written by cargo, which names its registry there.
const EXEMPT: &[&str] = &["Cargo.lock"];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in workspace.files().filter(|(path, _)| !EXEMPT.contains(path)) {
        for (at, line) in text.lines().enumerate() {
            for (word, reason) in FORBIDDEN.iter().filter(|(word, _)| holds(line, word)) {
                found.push(Violation::on(path, at + 1, format!("`{word}`: {reason}")));
            }
        }
    }
    found
}

/// Whether the word stands there by itself, not as the end or the beginning of a longer one.
fn holds(line: &str, word: &str) -> bool {
    let is_part =
        |next: Option<char>| next.is_some_and(|next| next == '_' || next.is_alphanumeric());
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let ends_open = word.ends_with(char::is_alphanumeric);
        let begins_open = word.starts_with(|first: char| first == '/' || first.is_alphanumeric());
        !(begins_open && (is_part(before) || before == Some('.') && word.starts_with('/')))
            && !(ends_open && is_part(after) && !word.starts_with('#'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_by_themselves() {
        assert!(holds(concat!("// TO", "DO: later"), FORBIDDEN[0].0));
        assert!(holds(concat!("(TO", "DO)"), FORBIDDEN[0].0));
        assert!(!holds(concat!("MASTO", "DON"), FORBIDDEN[0].0));
        assert!(!holds(concat!("TO", "DO_LIST"), FORBIDDEN[0].0));
        assert!(holds(concat!("#[ig", "nored]"), FORBIDDEN[2].0));
    }

    #[test]
    fn a_path_is_one_machines_only_from_its_beginning() {
        let (path, _) = FORBIDDEN[3];
        assert!(holds(&format!("open(\"{path}main\")"), path));
        assert!(!holds(&format!("/home/runner{path}repo"), path));
        assert!(!holds(&format!("..{path}x"), path));
    }

    #[test]
    fn every_kind_of_file_is_read_and_the_lock_file_is_not() {
        let text = format!("\nsee {}\n", FORBIDDEN[5].0);
        let files = [
            ("a.toml", text.as_str()),
            (".ci/run", &text),
            ("Cargo.lock", &text),
        ];
        let places: Vec<_> = check(&Workspace::of(&files))
            .into_iter()
            .map(|at| at.place)
            .collect();
        assert_eq!(places, [".ci/run:2", "a.toml:2"]);
    }
}
