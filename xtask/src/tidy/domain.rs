//! Domain code decides; it does not wait and does not touch the world.

use std::collections::BTreeSet;

use super::paths::{declared, imports, is_inside_use, path_at};
use super::source::{Production, Token, production};
use super::{Rule, Violation, matches};
use crate::workspace::Workspace;

/// Domain code names only values, pure crates and itself.
pub(super) const IS_PURE: Rule = Rule {
    name: "domain_is_pure",
    why: "domain code decides; what it cannot reach it cannot do, so a replay is the same run again",
    remedy: "take the value as a parameter of the command, or move the work to effects/, rpc/ or wire.rs",
    check,
};

/// Where domain code lives.
const DOMAIN: &[&str] = &[
    "services/*/src/domain/**",
    "services/*/src/domain.rs",
    "libs/*/src/domain/**",
    "libs/*/src/domain.rs",
    // What several domains share is as much domain code as they are.
    "libs/policy/src/**",
];
/// Reactions are as pure as decisions, but stand beside the domain and may name it.
const REACTIONS: &[&str] = &["services/*/src/process.rs", "services/*/src/process/**"];

/// First words of a path that domain code may write. `crate` is not among them: the purity proof
/// compiles these modules in another crate.
const ROOTS: &[&str] = &[
    "std",
    "core",
    "super",
    "self",
    "thiserror",
    "ids",
    "decider",
    "policy",
    "versioning",
];
/// The parts of std that are values only.
const STD: &[&str] = &[
    "any",
    "array",
    "borrow",
    "boxed",
    "char",
    "clone",
    "cmp",
    "collections",
    "convert",
    "default",
    "error",
    "fmt",
    "hash",
    "iter",
    "marker",
    "mem",
    "num",
    "ops",
    "option",
    "primitive",
    "rc",
    "result",
    "slice",
    "str",
    "string",
    "sync",
    "time",
    "vec",
    // Macros and types at the top of `core` and `std`.
    "assert",
    "matches",
    "write",
    "writeln",
    "format",
];
const PRIMITIVES: &[&str] = &[
    "bool", "char", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "str", "u8", "u16",
    "u32", "u64", "u128", "usize",
];
/// Words that are impure wherever they come from.
const IMPURE_WORDS: &[&str] = &[
    "async",
    "await",
    "unsafe",
    "extern",
    "chrono",
    "tokio",
    "rand",
    "SystemTime",
    "Instant",
    "Utc",
    "HashMap",
    "HashSet",
    "RandomState",
    "Mutex",
    "RwLock",
    "OnceLock",
    "LazyLock",
    "Condvar",
    "RefCell",
    "Cell",
    "OnceCell",
    "LazyCell",
    "new_v4",
    "now_v7",
];
/// Macros that print, read files or read the environment.
const IMPURE_MACROS: &[&str] = &[
    "print",
    "println",
    "eprint",
    "eprintln",
    "dbg",
    "include",
    "include_str",
    "include_bytes",
    "env",
    "option_env",
    "thread_local",
];

fn check(workspace: &Workspace) -> Vec<Violation> {
    let is = |path: &str, patterns: &[&str]| patterns.iter().any(|pattern| matches(path, pattern));
    let files: Vec<_> = workspace
        .rust()
        .filter(|(path, _)| is(path, DOMAIN) || is(path, REACTIONS))
        .map(|(path, text)| (path, production(text)))
        .collect();
    let only_tests: BTreeSet<String> = files
        .iter()
        .flat_map(|(path, source)| source.test_modules.iter().map(|name| submodule(path, name)))
        .collect();
    let mut found = Vec::new();
    for (path, source) in &files {
        let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
        if only_tests
            .iter()
            .any(|test| module == test || module.starts_with(&format!("{test}/")))
        {
            continue;
        }
        let file = File {
            source,
            may_name_domain: is(path, REACTIONS),
        };
        found.extend(
            file.impurities()
                .into_iter()
                .map(|(line, what)| Violation::on(path, line, what)),
        );
    }
    found
}

/// The path, without `.rs`, of the module that the file at `path` declares.
fn submodule(path: &str, name: &str) -> String {
    let stem = path.trim_end_matches(".rs");
    let folder = stem.trim_end_matches("/mod").trim_end_matches("/lib");
    format!("{folder}/{name}")
}

struct File<'a> {
    source: &'a Production<'a>,
    may_name_domain: bool,
}

impl File<'_> {
    fn impurities(&self) -> Vec<(usize, String)> {
        let tokens = &self.source.tokens;
        let imports = imports(tokens);
        let known: BTreeSet<&str> = imports
            .iter()
            .map(|import| import.name)
            .chain(declared(tokens))
            .chain(PRIMITIVES.iter().copied())
            .collect();
        let mut found = Vec::new();
        for import in &imports {
            found.extend(self.refusal(&import.path).map(|what| (import.line, what)));
        }
        for (at, token) in tokens.iter().enumerate() {
            if let Some(what) = word_refusal(tokens, at) {
                found.push((token.line, what));
            } else if let Some(path) = path_at(tokens, at)
                && !is_inside_use(tokens, at)
            {
                let global = at >= 2 && tokens[at - 1].text == ":" && tokens[at - 2].text == ":";
                if global || !known.contains(path[0]) {
                    found.extend(self.refusal(&path).map(|what| (token.line, what)));
                }
            }
        }
        found
    }

    /// Why a path may not be named here.
    fn refusal(&self, path: &[&str]) -> Option<String> {
        let shown = path.join("::");
        match path {
            ["crate", "domain", ..] if self.may_name_domain => None,
            ["crate", ..] => Some(format!(
                "`{shown}`: domain code says `super::`, never `crate::`"
            )),
            ["std" | "core", "time", part, ..] if *part != "Duration" => {
                Some(format!("`{shown}` is a clock"))
            }
            ["std" | "core", "sync", part, ..] if *part != "Arc" => {
                Some(format!("`{shown}` is shared state"))
            }
            ["std" | "core"] => Some(format!("`{shown}` under another name is all of it")),
            ["std" | "core", part, ..] if !STD.contains(part) => {
                Some(format!("`{shown}` touches the world"))
            }
            [root, ..] if ROOTS.contains(root) => None,
            // The name of a lint in an attribute.
            ["clippy", _] => None,
            // A type or trait in scope: what it may be was decided where it was imported.
            [root, ..] if root.starts_with(char::is_uppercase) => None,
            _ => Some(format!(
                "`{shown}` is none of the pure crates ({})",
                ROOTS[4..].join(", ")
            )),
        }
    }
}

fn word_refusal(tokens: &[Token<'_>], at: usize) -> Option<String> {
    let token = tokens[at];
    let next = tokens.get(at + 1).map_or("", |next| next.text);
    let before = at.checked_sub(1).map_or("", |before| tokens[before].text);
    if IMPURE_WORDS.contains(&token.text) {
        return Some(format!("`{}`", token.text));
    }
    if next == "!" && IMPURE_MACROS.contains(&token.text) {
        return Some(format!("`{}!`", token.text));
    }
    if before == "." && token.text == "unwrap" {
        return Some("`unwrap()`: a decision never panics on input".to_owned());
    }
    if before == "static" && token.text == "mut" {
        return Some("`static mut`".to_owned());
    }
    // `#[path = ..]` would take code from outside the folder that this rule reads.
    (before == "[" && token.text == "path" && next == "=").then(|| "`#[path]`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::root;

    const FILE: &str = "services/a/src/domain/slot.rs";

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Workspace::of(&[(path, text)]))
            .into_iter()
            .map(|at| at.what)
            .collect()
    }

    #[test]
    fn pure_code_is_left_alone() {
        let pure = "//! chrono::Utc::now() in a comment.
            use std::collections::{BTreeMap, btree_map::Entry};
            use std::{fmt, str::FromStr as _, time::Duration};
            use ids::{Name, Version}; use thiserror::Error; use super::policy::{self, Policy as P};
            use decider::Decider;
            mod inner;
            #[derive(Debug, thiserror::Error)] enum Rejection { #[error(\"std::fs {0}\")] A(String) }
            impl<'a> fmt::Display for X<'a> { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let env = u64::MAX; let text = String::new(); policy::check(inner::x(), P::new());
                let all = xs.iter().map(Self::f).collect::<Vec<_>>(); <X as fmt::Debug>::fmt(x, f);
                for env in all { match env { Entry::Vacant(_) => super::go(), _ => core::mem::take(x) } }
                write!(f, \"{}\", text.parse::<std::num::NonZeroU8>().unwrap_or_default()) } }
            #[cfg(test)] mod tests { use chrono::Utc; fn a() { std::fs::read(\"x\").unwrap(); } }";
        assert_eq!(found(FILE, pure), Vec::<String>::new());
    }

    #[test]
    fn every_way_to_say_it_is_seen() {
        for impure in [
            "fn a() { chrono::Utc::now(); }",
            "fn a() { ::chrono::Utc::now(); }",
            "fn a() { return ::chrono::Local::now(); }",
            "fn a() -> ::serde_json::Value { b() }",
            "fn a<'b>() -> impl X + use<'b> { serde_json::json!(1) }",
            "fn a() { r#chrono :: /* */ Utc::now(); }",
            "fn a() { x(vec![1, uuid::Uuid::from_u128(1)]); }",
            "use chrono as c; fn a() { c::Local::now(); }",
            "use {std::fmt, serde::Serialize};",
            "pub use serde_json;",
            "extern crate serde as s;",
            "use std::{fmt, fs};",
            "use std::{collections::BTreeMap, net::{IpAddr, TcpStream}};",
            "use std::time::{Duration, Instant};",
            "use std::time::*;",
            "use std::*;",
            "use std::sync::atomic::AtomicU64;",
            "use std as s; fn a() { s::fs::read(\"x\"); }",
            "fn a() { std::env::var(\"A\"); }",
            "fn a() { core::hint::spin_loop() }",
            "async fn a() {}",
            "fn a() { let x = y.await; }",
            "use crate::wire; ",
            "fn a() { crate::effects::go() }",
            "fn a() { eventlog::append() }",
            "use std::collections::HashMap;",
            "fn a() { println!(\"{x}\") }",
            "fn a() { x.unwrap(); }",
            "fn a() { unsafe { b() } }",
            "static mut A: u8 = 0;",
            "fn a() -> &'static str { include_str!(\"x\") }",
            "fn a() { env!(\"HOME\"); }",
            "#[path = \"../wire.rs\"] mod wire;",
            "#[tracing::instrument] fn a() {}",
        ] {
            assert!(!found(FILE, impure).is_empty(), "not seen: {impure}");
        }
    }

    #[test]
    fn domains_of_libs_and_reactions_are_read_too() {
        let planted = "fn a() { chrono::Utc::now(); }";
        for path in [
            "libs/policy/src/lib.rs",
            "libs/access/src/domain/mod.rs",
            "libs/access/src/domain.rs",
            "services/a/src/domain/deep/er.rs",
            "services/a/src/process.rs",
            "services/a/src/process/react.rs",
        ] {
            assert!(!found(path, planted).is_empty(), "{path}");
        }
        assert_eq!(
            found("services/a/src/wire.rs", planted),
            Vec::<String>::new()
        );
    }

    #[test]
    fn reactions_may_name_the_domain_and_nothing_else_of_their_crate() {
        let path = "services/a/src/process.rs";
        assert_eq!(
            found(path, "use crate::domain::slot;"),
            Vec::<String>::new()
        );
        assert!(!found(path, "use crate::wire;").is_empty());
        assert!(!found(FILE, "use crate::domain::slot;").is_empty());
    }

    #[test]
    fn a_file_that_only_tests_compile_may_do_as_it_likes() {
        let workspace = Workspace::of(&[
            (
                "services/a/src/domain/mod.rs",
                "#[cfg(test)] mod scenarios; mod slot;",
            ),
            (
                "services/a/src/domain/scenarios.rs",
                "fn a() { std::fs::read(\"x\"); }",
            ),
            ("services/a/src/domain/slot.rs", "#[cfg(test)]\nmod tests;"),
            (
                "services/a/src/domain/slot/tests.rs",
                "fn a() { x.unwrap(); }",
            ),
            ("services/a/src/domain/tests.rs", "fn a() { x.unwrap(); }"),
            ("libs/policy/src/lib.rs", "#[cfg(test)] mod tests;"),
            ("libs/policy/src/tests.rs", "fn a() { x.unwrap(); }"),
        ]);
        let places: Vec<_> = check(&workspace).into_iter().map(|at| at.place).collect();
        assert_eq!(places, ["services/a/src/domain/tests.rs:1"]);
    }

    #[test]
    fn a_clock_planted_in_any_domain_file_here_is_found() {
        let here = Workspace::read(&root()).unwrap();
        let is_pure = |path: &str| DOMAIN.iter().chain(REACTIONS).any(|it| matches(path, it));
        let files: Vec<_> = here.rust().filter(|(path, _)| is_pure(path)).collect();
        assert!(
            files.len() >= 3,
            "domain code is where this rule looks for it: {files:?}"
        );
        for (path, text) in files {
            let planted =
                format!("fn planted() -> i64 {{ chrono::Utc::now().timestamp_micros() }}\n{text}");
            let only_tests = check(&Workspace::of(&[(
                path,
                &format!("#![cfg(test)]\n{planted}"),
            )]));
            assert!(only_tests.is_empty());
            let lines: Vec<_> = check(&Workspace::of(&[(path, &planted)]));
            assert!(
                lines.iter().any(|at| at.place == format!("{path}:1")),
                "{path}: {lines:?}"
            );
        }
    }
}
