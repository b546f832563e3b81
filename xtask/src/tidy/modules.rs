//! Every Rust file says what it is, and is compiled.

use toml::{Table, Value};

use super::source::tokens;
use super::{Rule, Violation};
use crate::workspace::Workspace;

/// The first line of a file is the answer to "what is this?".
pub(super) const FILES_SAY_WHAT_THEY_ARE: Rule = Rule {
    name: "files_say_what_they_are",
    why: "who opens a file wants to know first what it is",
    remedy: "begin it with a `//!` sentence",
    check: |workspace| {
        workspace
            .rust()
            .filter(|(_, text)| {
                !text
                    .trim_start_matches('\u{feff}')
                    .trim_start()
                    .starts_with("//!")
            })
            .map(|(path, _)| Violation::at(path, "does not begin with `//!`"))
            .collect()
    },
};

/// rustc does not look for files that nobody declares.
pub(super) const NO_FILE_IS_FORGOTTEN: Rule = Rule {
    name: "no_file_is_forgotten",
    why: "a file that no `mod` line declares is not compiled, and its tests never run",
    remedy: "declare it in its parent, or remove it",
    check: |workspace| {
        workspace
            .rust()
            .filter(|(path, _)| !is_root(workspace, path) && !is_declared(workspace, path))
            .map(|(path, _)| Violation::at(path, "no file declares it"))
            .collect()
    },
};

/// Whether cargo itself compiles the file, or it belongs to no crate of the workspace.
fn is_root(workspace: &Workspace, path: &str) -> bool {
    let Some((home, manifest)) = home(workspace, path) else {
        return true;
    };
    let inside = path.strip_prefix(&format!("{home}/")).unwrap_or(path);
    let named = ["lib", "bin", "test", "bench", "example"]
        .iter()
        .any(|kind| {
            let entries = match manifest.get(*kind) {
                Some(Value::Array(entries)) => entries.iter().collect(),
                Some(entry) => vec![entry],
                None => Vec::new(),
            };
            entries
                .iter()
                .any(|entry| entry.get("path").and_then(Value::as_str) == Some(inside))
        });
    let finds_tests = manifest
        .get("package")
        .and_then(|package| package.get("autotests"))
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let parts: Vec<_> = inside.split('/').collect();
    named
        || match parts[..] {
            ["build.rs"] | ["src", "lib.rs" | "main.rs"] => true,
            ["src", "bin", _] | ["src", "bin", _, "main.rs"] => true,
            ["benches" | "examples", ..] => true,
            ["tests", _] | ["tests", _, "main.rs"] => finds_tests,
            ["src" | "tests", ..] => false,
            // A crate may keep other Rust beside its own, such as a sample that it builds.
            _ => !path.starts_with("tests/"),
        }
}

/// The crate that a file belongs to: the nearest directory with a manifest.
fn home(workspace: &Workspace, path: &str) -> Option<(String, Table)> {
    let mut directory = path;
    while let Some((above, _)) = directory.rsplit_once('/') {
        directory = above;
        if let Some(manifest) = workspace.text(&format!("{directory}/Cargo.toml")) {
            return Some((directory.to_owned(), manifest.parse().unwrap_or_default()));
        }
    }
    None
}

fn is_declared(workspace: &Workspace, path: &str) -> bool {
    let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let Some((directory, name)) = stem.rsplit_once('/') else {
        return false;
    };
    let parents = ["/mod.rs", "/lib.rs", "/main.rs", ".rs"].map(|end| format!("{directory}{end}"));
    // A module of one integration test may stand beside it, and roots may have any name.
    let beside = workspace.rust().filter(|(at, _)| {
        at.rsplit_once('/').is_some_and(|(at, _)| at == directory) && is_root(workspace, at)
    });
    parents
        .iter()
        .filter(|parent| parent.as_str() != path)
        .filter_map(|parent| workspace.text(parent))
        .chain(beside.map(|(_, text)| text))
        .any(|text| declares(text, name) || text.contains(&format!("{name}.rs\"]")))
}

fn declares(text: &str, name: &str) -> bool {
    tokens(text)
        .windows(2)
        .any(|pair| pair[0].text == "mod" && pair[1].text == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forgotten(files: &[(&str, &str)]) -> Vec<String> {
        let mut workspace = Workspace::of(files);
        workspace.put("libs/a/Cargo.toml", String::new());
        workspace.put(
            "tests/integration/Cargo.toml",
            "[package]\nautotests = false\n\
            [[test]]\nname = \"all\"\npath = \"main.rs\"\n"
                .to_owned(),
        );
        (NO_FILE_IS_FORGOTTEN.check)(&workspace)
            .into_iter()
            .map(|at| at.place)
            .collect()
    }

    #[test]
    fn a_file_is_declared_by_its_parent() {
        let found = forgotten(&[
            ("libs/a/src/lib.rs", "mod b; mod r#gen; mod d { }"),
            ("libs/a/src/b.rs", "mod c;"),
            ("libs/a/src/b/c.rs", ""),
            ("libs/a/src/b/forgotten.rs", ""),
            ("libs/a/src/gen/mod.rs", "mod e; // mod f;"),
            ("libs/a/src/gen/e.rs", ""),
            ("libs/a/src/gen/f.rs", ""),
            ("libs/a/build.rs", ""),
            ("libs/a/src/bin/tool.rs", ""),
        ]);
        assert_eq!(found, ["libs/a/src/b/forgotten.rs", "libs/a/src/gen/f.rs"]);
    }

    #[test]
    fn an_integration_test_is_found_by_cargo_or_declared() {
        let found = forgotten(&[
            ("libs/a/src/lib.rs", ""),
            ("libs/a/tests/conformance.rs", "mod common;"),
            ("libs/a/tests/common/mod.rs", ""),
            ("tests/integration/main.rs", "mod scenarios;"),
            ("tests/integration/scenarios/mod.rs", "mod late_build;"),
            ("tests/integration/scenarios/late_build.rs", ""),
            ("tests/integration/scenarios/forgotten.rs", ""),
            ("tests/integration/tests/never_found.rs", ""),
        ]);
        let expected = [
            "tests/integration/scenarios/forgotten.rs",
            "tests/integration/tests/never_found.rs",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_file_begins_by_saying_what_it_is() {
        let mute = |text| {
            !(FILES_SAY_WHAT_THEY_ARE.check)(&Workspace::of(&[("libs/a/src/b.rs", text)]))
                .is_empty()
        };
        assert!(mute("use std::fmt;\n//! Late."));
        assert!(mute("/// Of the item, not of the file.\nstruct A;"));
        assert!(mute(""));
        assert!(!mute("\n//! Here.\n"));
    }
}
