//! Who may depend on whom, and how it is written.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::{Rule, Violation, matches};
use crate::workspace::Workspace;

/// Services meet in events and RPC only.
pub(super) const SERVICES_STAND_ALONE: Rule = Rule {
    name: "services_stand_alone",
    why: "a service that knows a sibling's code cannot be deployed, changed or replaced alone",
    remedy: "react to the sibling's events, or call its RPC through `proto`",
    check: |workspace| {
        refused(workspace, "services/*/Cargo.toml", |dependency| {
            dependency
                .home
                .starts_with("services/")
                .then(|| "a sibling".to_owned())
        })
    },
};

/// Libraries stand below everything that uses them.
pub(super) const LIBS_KNOW_NO_SERVICE: Rule = Rule {
    name: "libs_know_no_service",
    why: "a library that knows one of its users serves that one only",
    remedy: "move the shared part down into the library, or the rest up into the service",
    check: |workspace| {
        refused(workspace, "libs/*/Cargo.toml", |dependency| {
            let is_user = ["services/", "cli", "tests/", "xtask"]
                .iter()
                .any(|at| dependency.home.starts_with(at));
            is_user.then(|| "above the libraries".to_owned())
        })
    },
};

/// Pure libraries are functions of their arguments.
pub(super) const PURE_LIBS_DO_NO_IO: Rule = Rule {
    name: "pure_libs_do_no_io",
    why: "these libraries are functions of their arguments, which is why domain code may use them",
    remedy: "take text in and give text out; whoever calls does the reading and writing",
    check: |workspace| {
        PURE_LIBS
            .iter()
            .flat_map(|lib| {
                refused(workspace, &format!("libs/{lib}/Cargo.toml"), |dependency| {
                    let is_for_tests = dependency.kind == "dev-dependencies";
                    let is_io = IO.contains(&dependency.package.as_str());
                    (is_io && !is_for_tests).then(|| "input and output".to_owned())
                })
            })
            .collect()
    },
};

/// One table of lints.
pub(super) const CRATES_INHERIT_LINTS: Rule = Rule {
    name: "crates_inherit_lints",
    why: "a crate without `[lints] workspace = true` is checked by nothing",
    remedy: "add it",
    check: |workspace| {
        crates(workspace)
            .filter(|(_, manifest)| {
                let inherits = manifest
                    .get("lints")
                    .and_then(|lints| lints.get("workspace"));
                inherits != Some(&Value::Boolean(true))
            })
            .map(|(path, _)| Violation::at(path, "no `[lints] workspace = true`"))
            .collect()
    },
};

/// One table of versions.
pub(super) const VERSIONS_ARE_THE_WORKSPACES: Rule = Rule {
    name: "versions_are_the_workspaces",
    why: "two places for one version drift apart, and then two versions are built",
    remedy: "put it into `[workspace.dependencies]` and write `name.workspace = true`",
    check: |workspace| {
        let mut found = Vec::new();
        for (path, manifest) in crates(workspace) {
            for (kind, name, value) in written(&manifest) {
                if value.get("workspace") != Some(&Value::Boolean(true)) {
                    found.push(Violation::at(path, format!("[{kind}] {name}")));
                }
            }
        }
        found
    },
};

const PURE_LIBS: &[&str] = &[
    "decider",
    "ids",
    "manifests",
    "policy",
    "versioning",
    "workflows",
];
const IO: &[&str] = &[
    "async-nats",
    "axum",
    "git",
    "gix",
    "hyper",
    "hyper-util",
    "oci",
    "eventlog",
    "rand",
    "reqwest",
    "rusqlite",
    "rustix",
    "service",
    "sqlx",
    "tempfile",
    "tokio",
    "tokio-util",
    "tonic",
    "ureq",
];

/// Entries of `[workspace.dependencies]` that no crate asks for.
pub(super) fn notes(workspace: &Workspace) -> Vec<Violation> {
    let manifests: Vec<_> = crates(workspace).collect();
    let mut used = BTreeSet::new();
    for (_, manifest) in &manifests {
        used.extend(written(manifest).into_iter().map(|(_, name, _)| name));
    }
    shared(workspace)
        .keys()
        .filter(|name| !used.contains(name.as_str()))
        .map(|name| Violation::at("Cargo.toml", format!("no crate uses {name}")))
        .collect()
}

/// One dependency, renaming undone.
struct Dependency<'a> {
    kind: &'a str,
    name: &'a str,
    /// The crate's own name.
    package: String,
    /// Its directory from the top of the tree; empty for other people's crates.
    home: String,
}

/// Every dependency of the manifests at `pattern` that `refusal` gives a reason against.
fn refused(
    workspace: &Workspace,
    pattern: &str,
    refusal: impl Fn(&Dependency<'_>) -> Option<String>,
) -> Vec<Violation> {
    let shared = shared(workspace);
    let homes = homes(workspace);
    let mut found = Vec::new();
    for (path, manifest) in crates(workspace).filter(|(path, _)| matches(path, pattern)) {
        let own = path.trim_end_matches("/Cargo.toml");
        for (kind, name, value) in written(&manifest) {
            let dependency = resolve(&kind, name, value, own, &shared, &homes);
            // A crate's tests may name the crate itself.
            if dependency.home == own {
                continue;
            }
            if let Some(reason) = refusal(&dependency) {
                let Dependency {
                    kind,
                    name,
                    package,
                    ..
                } = &dependency;
                let renamed = if name == package {
                    String::new()
                } else {
                    format!(" = {package}")
                };
                found.push(Violation::at(
                    path,
                    format!("[{kind}] {name}{renamed}: {reason}"),
                ));
            }
        }
    }
    found
}

fn resolve<'a>(
    kind: &'a str,
    name: &'a str,
    value: &Value,
    own: &str,
    shared: &Table,
    homes: &BTreeMap<String, String>,
) -> Dependency<'a> {
    let is_shared = value.get("workspace") == Some(&Value::Boolean(true));
    let value = if is_shared {
        shared.get(name).unwrap_or(value)
    } else {
        value
    };
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let package = text("package").unwrap_or(name).to_owned();
    let from = if is_shared { "" } else { own };
    let home = text("path")
        .map(|path| joined(from, path))
        .or_else(|| homes.get(&package).cloned())
        .unwrap_or_default();
    Dependency {
        kind,
        name,
        package,
        home,
    }
}

/// `path` seen from `from`, without `.` and `..`.
fn joined(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Every manifest of a crate, parsed. One that does not parse has no entries, and cargo says why.
fn crates(workspace: &Workspace) -> impl Iterator<Item = (&str, Table)> {
    workspace
        .files()
        .filter(|(path, _)| path.ends_with("/Cargo.toml") && !crate::workspace::is_fixture(path))
        .map(|(path, text)| (path, text.parse().unwrap_or_default()))
        // What is built on its own, such as a sample, is a workspace of its own.
        .filter(|(_, manifest): &(&str, Table)| !manifest.contains_key("workspace"))
}

fn shared(workspace: &Workspace) -> Table {
    let root: Table = workspace
        .text("Cargo.toml")
        .unwrap_or_default()
        .parse()
        .unwrap_or_default();
    let table = root
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"));
    table.and_then(Value::as_table).cloned().unwrap_or_default()
}

/// Our crates by name.
fn homes(workspace: &Workspace) -> BTreeMap<String, String> {
    crates(workspace)
        .filter_map(|(path, manifest)| {
            let name = manifest.get("package")?.get("name")?.as_str()?;
            Some((
                name.to_owned(),
                path.trim_end_matches("/Cargo.toml").to_owned(),
            ))
        })
        .collect()
}

/// Every dependency as written: normal, for tests, for build scripts, and per target.
fn written(manifest: &Table) -> Vec<(String, &str, &Value)> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables = std::iter::once(manifest).chain(
        targets
            .into_iter()
            .flat_map(|it| it.values().filter_map(Value::as_table)),
    );
    let mut found = Vec::new();
    for table in tables {
        for kind in KINDS {
            let entries = table.get(kind).and_then(Value::as_table);
            for (name, value) in entries.into_iter().flatten() {
                found.push((kind.to_owned(), name.as_str(), value));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.dependencies]\nrunner = { path = \"services/runner\" }\n\
        alias = { path = \"services/runner\", package = \"runner\" }\nids = { path = \"libs/ids\" }\n";

    fn found(rule: &Rule, path: &str, text: &str) -> Vec<String> {
        let workspace = Workspace::of(&[
            ("Cargo.toml", ROOT),
            (
                "services/runner/Cargo.toml",
                "[package]\nname = \"runner\"\n[lints]\nworkspace = true\n",
            ),
            (
                "libs/ids/Cargo.toml",
                "[package]\nname = \"ids\"\n[lints]\nworkspace = true\n",
            ),
            (path, text),
        ]);
        (rule.check)(&workspace)
            .into_iter()
            .map(|at| at.what)
            .collect()
    }

    #[test]
    fn a_sibling_is_seen_however_it_is_written() {
        for text in [
            "[dependencies]\nrunner.workspace = true",
            "[dependencies]\nalias.workspace = true",
            "[dependencies.runner]\nworkspace = true",
            "[dev-dependencies]\nrunner = { workspace = true }",
            "[build-dependencies]\nx = { path = \"../runner\" }",
            "[dependencies]\nx = { package = \"runner\", version = \"1\" }",
            "[target.'cfg(unix)'.dependencies]\nrunner.workspace = true",
        ] {
            let siblings = found(
                &SERVICES_STAND_ALONE,
                "services/cd-manager/Cargo.toml",
                text,
            );
            assert_eq!(siblings.len(), 1, "{text}");
        }
    }

    #[test]
    fn libraries_and_oneself_are_no_siblings() {
        let text = "[package]\nname = \"cd-manager\"\n[dependencies]\nids.workspace = true\nserde = \"1\"\n\
            [dev-dependencies]\ncd-manager = { path = \".\" }\n";
        let path = "services/cd-manager/Cargo.toml";
        assert_eq!(
            found(&SERVICES_STAND_ALONE, path, text),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_library_may_not_know_a_service_even_in_its_tests() {
        let text = "[dev-dependencies]\nrunner.workspace = true";
        assert_eq!(
            found(&LIBS_KNOW_NO_SERVICE, "libs/git/Cargo.toml", text).len(),
            1
        );
        assert_eq!(
            found(&LIBS_KNOW_NO_SERVICE, "cli/Cargo.toml", text).len(),
            0
        );
    }

    #[test]
    fn pure_libraries_may_read_files_in_tests_only() {
        let path = "libs/manifests/Cargo.toml";
        let normal = "[dependencies]\nx = { package = \"tempfile\", version = \"3\" }";
        assert_eq!(found(&PURE_LIBS_DO_NO_IO, path, normal).len(), 1);
        let dev = "[dev-dependencies]\ntempfile.workspace = true";
        assert_eq!(found(&PURE_LIBS_DO_NO_IO, path, dev).len(), 0);
    }

    #[test]
    fn a_shared_dependency_that_nobody_uses_is_noted() {
        let user =
            "[dependencies]\nids.workspace = true\n[build-dependencies]\nalias.workspace = true\n";
        let workspace = Workspace::of(&[("Cargo.toml", ROOT), ("libs/git/Cargo.toml", user)]);
        let unused: Vec<_> = notes(&workspace).into_iter().map(|at| at.what).collect();
        assert_eq!(unused, ["no crate uses runner"]);
    }

    #[test]
    fn versions_stand_in_one_place() {
        let path = "libs/git/Cargo.toml";
        let text = "[dependencies]\nids = { path = \"../ids\" }\nserde = \"1\"\nok = { workspace = true, features = [\"x\"] }";
        assert_eq!(found(&VERSIONS_ARE_THE_WORKSPACES, path, text).len(), 2);
    }

    #[test]
    fn a_manifest_that_does_not_parse_inherits_no_lints() {
        assert_eq!(
            found(&CRATES_INHERIT_LINTS, "libs/git/Cargo.toml", "[[[").len(),
            1
        );
        assert_eq!(
            found(
                &CRATES_INHERIT_LINTS,
                "libs/git/Cargo.toml",
                "[lints]\nworkspace = false"
            )
            .len(),
            1
        );
    }
}
