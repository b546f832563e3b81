//! Vectors that are no part of this repository: `TOWPATH_SHARED` names the directory with
//! `data/vectors/`. Without it nothing is judged here, and that is said.

use std::collections::BTreeMap;
use std::path::PathBuf;

use semver::Version;
use serde_json::{Value, json};
use versioning::conventional::{self, Conventional};
use versioning::tag::{Ignored, Naming};

#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge where the test reads its environment"
)]
#[expect(clippy::unwrap_used, reason = "in a test, a panic is the finding")]
#[expect(
    clippy::print_stdout,
    reason = "whoever reads the run learns that it judged nothing"
)]
fn vectors(name: &str) -> Option<Vec<Value>> {
    let Some(shared) = std::env::var_os("TOWPATH_SHARED").filter(|it| !it.is_empty()) else {
        println!("SKIPPED {name}: needs TOWPATH_SHARED");
        return None;
    };
    let path = PathBuf::from(shared).join("data/vectors").join(name);
    let text = std::fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let all: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!all.is_empty(), "{} is empty", path.display());
    Some(all)
}

fn text<'a>(vector: &'a Value, name: &str) -> &'a str {
    let text = vector[name].as_str();
    text.unwrap_or_else(|| panic!("{name} is missing: {vector}"))
}

/// What a vector says of a message, out of our mouth.
fn said(message: &str) -> Value {
    match conventional::parse(message) {
        Ok(it) => {
            let footers: Vec<_> = it.footers.iter().map(|it| [&it.token, &it.value]).collect();
            let Conventional {
                kind,
                scope,
                breaking,
                description,
                ..
            } = &it;
            json!({
                "valid": true, "type": kind, "scope": scope, "breaking": breaking,
                "description": description, "footers": footers,
            })
        }
        Err(_) => json!({
            "valid": false, "type": null, "scope": null, "breaking": false,
            "description": null, "footers": [],
        }),
    }
}

#[test]
fn messages_mean_what_the_vectors_say() {
    let Some(all) = vectors("conventional-cases.jsonl") else {
        return;
    };
    let mut counts = BTreeMap::new();
    let mut wrong = Vec::new();
    for vector in &all {
        let said = said(text(vector, "input"));
        let fields = [
            "valid",
            "type",
            "scope",
            "breaking",
            "description",
            "footers",
        ];
        let expected: Value = fields
            .iter()
            .map(|it| ((*it).to_owned(), vector[*it].clone()))
            .collect();
        *counts
            .entry(if said["valid"] == true {
                "valid"
            } else {
                "invalid"
            })
            .or_insert(0) += 1;
        if said != expected {
            wrong.push(format!("{vector}\n  we say {said}"));
        }
    }
    println!(
        "conventional-cases.jsonl: {} of {} agree, {counts:?}",
        all.len() - wrong.len(),
        all.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn versions_are_what_the_facts_say() {
    let Some(all) = vectors("semver-facts.jsonl") else {
        return;
    };
    let bare = Naming {
        prefix: String::new(),
        accept_bare: false,
    };
    let mut counts = BTreeMap::new();
    for fact in &all {
        let version = text(fact, "version");
        let ours = bare.read(version);
        let tagged = Naming::default().read(&format!("v{version}"));
        assert_eq!(tagged, ours, "{fact}");
        let kind = match text(fact, "kind") {
            "valid" if matches!(ours, Err(Ignored::TooLarge { .. })) => {
                let is_large = |name| text(fact, name).parse::<u64>().is_err();
                assert!(
                    ["major", "minor", "patch"].into_iter().any(is_large),
                    "{fact}"
                );
                "valid, too large for us"
            }
            "valid" => {
                let version = ours.unwrap_or_else(|error| panic!("{fact}: {error}"));
                assert_eq!(parts(&version), expected(fact), "{fact}");
                assert_eq!(bare.write(&version), text(fact, "version"));
                "valid"
            }
            "invalid" => {
                assert!(
                    matches!(ours, Err(Ignored::NoVersion { .. })),
                    "{fact}: {ours:?}"
                );
                assert!(Version::parse(version).is_err(), "{fact}");
                "invalid"
            }
            other => panic!("`{other}` is no kind of fact that is judged here: {fact}"),
        };
        *counts.entry(kind).or_insert(0) += 1;
    }
    println!("semver-facts.jsonl: {} hold, {counts:?}", all.len());
}

fn parts(it: &Version) -> [Option<String>; 5] {
    let word = |it: &str| (!it.is_empty()).then(|| it.to_owned());
    let number = |it: u64| Some(it.to_string());
    [
        number(it.major),
        number(it.minor),
        number(it.patch),
        word(&it.pre),
        word(&it.build),
    ]
}

fn expected(fact: &Value) -> [Option<String>; 5] {
    ["major", "minor", "patch", "prerelease", "build"]
        .map(|it| fact[it].as_str().map(str::to_owned))
}

/// Rule 11 of Semantic Versioning, for the function that we order versions by.
#[test]
fn versions_have_the_precedence_of_the_specification() {
    let chain = [
        "0.9.9",
        "1.0.0-0.3.7",
        "1.0.0-2",
        "1.0.0-10",
        "1.0.0-99999999999999999999999",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1-hotfix.1",
        "1.0.1",
        "1.2.0",
        "1.10.0",
        "2.0.0",
    ];
    let chain: Vec<_> = chain.iter().map(|it| Version::parse(it).unwrap()).collect();
    for (at, lower) in chain.iter().enumerate() {
        assert!(lower.cmp_precedence(lower).is_eq());
        for higher in &chain[at + 1..] {
            assert!(lower.cmp_precedence(higher).is_lt(), "{lower} {higher}");
        }
        // Build metadata has no say.
        let built = Version::parse(&format!("{lower}+z.1")).unwrap();
        assert!(lower.cmp_precedence(&built).is_eq(), "{built}");
    }
}
