//! The rules of the workspace that neither rustc nor clippy can state, one subject per file.
//!
//! They read text, so determined code can fool them; their work is to stop drift, and to say why.
//! What must not be fooled stands twice: purity is compiled as well, in `tests/purity`.

mod paths;
mod source;

mod dependencies;
mod documents;
mod domain;
mod events;
mod invariants;
mod modules;
mod sizes;
mod words;

use std::fmt::Write as _;

use crate::workspace::Workspace;

/// One rule: a function of the tree, why it is there and what to do when it is broken.
pub(crate) struct Rule {
    /// As a sentence, with underscores.
    pub(crate) name: &'static str,
    /// What goes wrong without it.
    pub(crate) why: &'static str,
    /// What to do about a violation.
    pub(crate) remedy: &'static str,
    /// Everything in the tree that breaks it.
    pub(crate) check: fn(&Workspace) -> Vec<Violation>,
}

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// `path` or `path:line`.
    pub(crate) place: String,
    /// What stands there.
    pub(crate) what: String,
}

impl Violation {
    fn at(path: &str, what: impl Into<String>) -> Self {
        Self {
            place: path.to_owned(),
            what: what.into(),
        }
    }

    fn on(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            place: format!("{path}:{line}"),
            what: what.into(),
        }
    }
}

/// Every rule.
pub(crate) const RULES: &[Rule] = &[
    domain::IS_PURE,
    dependencies::SERVICES_STAND_ALONE,
    dependencies::LIBS_KNOW_NO_SERVICE,
    dependencies::PURE_LIBS_DO_NO_IO,
    dependencies::CRATES_INHERIT_LINTS,
    dependencies::VERSIONS_ARE_THE_WORKSPACES,
    sizes::FILES_STAY_READABLE,
    sizes::FUNCTIONS_STAY_READABLE,
    sizes::DOCUMENTS_STAY_SHORT,
    modules::FILES_SAY_WHAT_THEY_ARE,
    modules::NO_FILE_IS_FORGOTTEN,
    documents::NAME_ONLY_PATHS_THAT_EXIST,
    invariants::ARE_HELD_BY_TESTS,
    words::NO_FORBIDDEN_WORDS,
    events::HAVE_GOLDEN_FILES,
];

/// What deserves a look and fails nothing.
pub(crate) fn notes(workspace: &Workspace) -> Vec<Violation> {
    let mut found = sizes::notes(workspace);
    found.extend(dependencies::notes(workspace));
    found
}

/// Says what breaks which rule; empty when everything holds.
pub(crate) fn report(workspace: &Workspace) -> String {
    let mut text = String::new();
    for rule in RULES {
        let violations = (rule.check)(workspace);
        if violations.is_empty() {
            continue;
        }
        let _infallible = writeln!(text, "{}: {}\n  {}", rule.name, rule.why, rule.remedy);
        for Violation { place, what } in violations {
            let _infallible = writeln!(text, "    {place}: {what}");
        }
    }
    text
}

/// Whether `path` matches `pattern`, in which `*` stands for one part and a last `**` for the rest.
fn matches(path: &str, pattern: &str) -> bool {
    let mut parts = path.split('/');
    for wanted in pattern.split('/') {
        match (wanted, parts.next()) {
            ("**", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(part)) if wanted == part => {}
            _ => return false,
        }
    }
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::workspace::root;

    /// Rule, path, text: the least that breaks it.
    const PLANTS: &[(&str, &str, &str)] = &[
        (
            "domain_is_pure",
            "services/a/src/domain/slot.rs",
            "//! A slot.\nfn now() -> i64 { chrono::Utc::now().timestamp_micros() }\n",
        ),
        (
            "services_stand_alone",
            "services/a/Cargo.toml",
            "[dependencies]\nb.workspace = true\n",
        ),
        (
            "libs_know_no_service",
            "libs/ids/Cargo.toml",
            "[dependencies]\nb.workspace = true\n",
        ),
        (
            "pure_libs_do_no_io",
            "libs/ids/Cargo.toml",
            "[dependencies]\ntokio.workspace = true\n",
        ),
        (
            "crates_inherit_lints",
            "libs/ids/Cargo.toml",
            "[package]\nname = \"ids\"\n",
        ),
        (
            "versions_are_the_workspaces",
            "libs/ids/Cargo.toml",
            "[dependencies]\nserde = \"1\"\n",
        ),
        ("files_stay_readable", "libs/ids/src/long.rs", LONG_FILE),
        (
            "functions_stay_readable",
            "libs/ids/src/long.rs",
            LONG_FUNCTION,
        ),
        ("documents_stay_short", "README.md", LONG_FILE),
        (
            "files_say_what_they_are",
            "libs/ids/src/mute.rs",
            "pub struct Mute;\n",
        ),
        (
            "no_file_is_forgotten",
            "libs/ids/src/forgotten.rs",
            "//! Nobody declares it.\n",
        ),
        (
            "documents_name_only_paths_that_exist",
            "README.md",
            "See `libs/gone/src/lib.rs`.\n",
        ),
        (
            "invariants_are_held_by_tests",
            "ARCHITECTURE.md",
            "- **Invariant:** nothing breaks. `nothing_breaks`\n",
        ),
        (
            "no_forbidden_words",
            "libs/ids/src/lib.rs",
            concat!("//! TO", "DO: write it.\n"),
        ),
        (
            "events_have_golden_files",
            "proto/towpath/a/v1/events.proto",
            "syntax = \"proto3\";\npackage towpath.a.v1;\n// It happened.\nmessage Happened {}\n",
        ),
    ];
    const LONG_FILE: &str = repeated::<900>("\n");
    const LONG_FUNCTION: &str = concat_function();

    const fn repeated<const N: usize>(_: &str) -> &'static str {
        const NEWLINES: [u8; 900] = [b'\n'; 900];
        match str::from_utf8(&NEWLINES) {
            Ok(text) => text,
            Err(_) => panic!("newlines are UTF-8"),
        }
    }

    const fn concat_function() -> &'static str {
        const BYTES: [u8; 200] = {
            let mut bytes = [b'\n'; 200];
            let head = b"//! Long.\nfn long() {";
            let mut at = 0;
            while at < head.len() {
                bytes[at] = head[at];
                at += 1;
            }
            bytes[199] = b'}';
            bytes
        };
        match str::from_utf8(&BYTES) {
            Ok(text) => text,
            Err(_) => panic!("ASCII is UTF-8"),
        }
    }

    fn around(path: &str, text: &str) -> Workspace {
        let mut workspace = Workspace::of(&[
            (
                "Cargo.toml",
                "[workspace.dependencies]\nb = { path = \"services/b\" }\n",
            ),
            (
                "services/b/Cargo.toml",
                "[package]\nname = \"b\"\n[lints]\nworkspace = true\n",
            ),
            (
                "libs/ids/Cargo.toml",
                "[package]\nname = \"ids\"\n[lints]\nworkspace = true\n",
            ),
            ("libs/ids/src/lib.rs", "//! Ids.\nmod long;\nmod mute;\n"),
            ("proto/testdata/events/towpath.b.v1.Other.v1.bin", ""),
        ]);
        workspace.put(path, text.to_owned());
        workspace
    }

    #[test]
    fn every_rule_holds_here() {
        let report = report(&Workspace::read(&root()).unwrap());
        assert!(report.is_empty(), "\n{report}");
    }

    #[test]
    fn every_rule_can_fail() {
        let planted: BTreeSet<_> = PLANTS.iter().map(|(rule, ..)| *rule).collect();
        let rules: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
        assert_eq!(planted, rules, "each rule has a plant that breaks it");
        for (name, path, text) in PLANTS {
            let rule = RULES.iter().find(|rule| rule.name == *name).unwrap();
            let found = (rule.check)(&around(path, text));
            assert!(
                found.iter().any(|at| at.place.starts_with(path)),
                "{name}: {found:?}"
            );
        }
    }

    #[test]
    fn a_report_says_what_why_and_what_to_do() {
        let (name, path, text) = PLANTS[0];
        let report = report(&around(path, text));
        assert!(report.contains(name), "{report}");
        assert!(
            report.contains("services/a/src/domain/slot.rs:2"),
            "{report}"
        );
        for part in [RULES[0].why, RULES[0].remedy] {
            assert!(report.contains(part), "{report}");
        }
    }

    #[test]
    fn patterns_match_whole_paths() {
        assert!(matches(
            "services/a/src/domain/b/c.rs",
            "services/*/src/domain/**"
        ));
        assert!(!matches(
            "services/a/src/domain",
            "services/*/src/domain/**"
        ));
        assert!(!matches(
            "services/a/src/wire.rs",
            "services/*/src/domain/**"
        ));
        assert!(matches("libs/ids/Cargo.toml", "libs/*/Cargo.toml"));
        assert!(!matches("libs/ids/x/Cargo.toml", "libs/*/Cargo.toml"));
    }
}
