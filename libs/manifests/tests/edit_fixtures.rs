//! Every directory of `fixtures/edit` is one edit: `before`, `case.toml`, and either `after` or
//! the refusal with its place.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the finding")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use manifests::{Document, Identity, Pointer, Template, Values, current_scalar, set_scalar};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    pointer: String,
    value: String,
    document: Option<usize>,
    identity: Option<Named>,
    refused: Option<Refused>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    kind: String,
    name: String,
    parents: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    code: String,
    line: u32,
    column: u32,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The file of a directory whose name begins like this.
fn one(directory: &Path, stem: &str) -> Option<PathBuf> {
    fs::read_dir(directory)
        .unwrap()
        .map(|it| it.unwrap().path())
        .find(|it| it.file_stem().is_some_and(|it| it == stem))
}

/// What went wrong, if anything.
fn run(directory: &Path) -> Result<(), String> {
    let case: Case = toml::from_str(&fs::read_to_string(directory.join("case.toml")).unwrap())
        .map_err(|it| it.to_string())?;
    let before = one(directory, "before").expect("every case has a `before`");
    let file = before.file_name().unwrap().to_str().unwrap();
    let bytes = fs::read(&before).unwrap();
    let document = match (case.document, case.identity) {
        (Some(index), _) => Document::Index(index),
        (_, Some(it)) => Document::Identity(Identity {
            kind: it.kind,
            name: it.name,
            parents: it.parents,
        }),
        _ => Document::Only,
    };
    let pointer = Pointer::parse(&case.pointer)?;
    let result = set_scalar(file, &bytes, &document, &pointer, &case.value);
    match (result, case.refused) {
        (Ok(after), None) => {
            let expected = one(directory, "after").expect("what is accepted has an `after`");
            same(&after, &fs::read(expected).unwrap())?;
            let now = current_scalar(file, &after, &document, &pointer);
            if now != Ok(Some(case.value.clone())) {
                return Err(format!("reads back as {now:?}"));
            }
            let again = set_scalar(file, &after, &document, &pointer, &case.value);
            same(&again.map_err(|it| it.to_string())?, &after)
        }
        (Err(got), Some(wanted)) => {
            assert!(
                one(directory, "after").is_none(),
                "refused, so there is no `after`"
            );
            let place = (got.code, got.line, got.column);
            let right = place == (wanted.code.as_str(), wanted.line, wanted.column);
            if right {
                Ok(())
            } else {
                Err(format!("refused otherwise: {got}"))
            }
        }
        (Ok(after), Some(wanted)) => {
            let after = String::from_utf8_lossy(&after).into_owned();
            Err(format!("not refused with {}:\n{after}", wanted.code))
        }
        (Err(got), None) => Err(format!("refused: {got}")),
    }
}

fn same(got: &[u8], wanted: &[u8]) -> Result<(), String> {
    let text = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
    if got == wanted {
        Ok(())
    } else {
        Err(format!("got\n{}\nnot\n{}", text(got), text(wanted)))
    }
}

#[test]
fn every_fixture_changes_one_scalar_or_is_refused() {
    let mut cases: Vec<_> = fs::read_dir(fixtures().join("edit"))
        .unwrap()
        .map(|it| it.unwrap().path())
        .filter(|it| it.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() >= 40, "only {} fixtures", cases.len());
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|it| {
            let name = it.file_name().unwrap().to_string_lossy().into_owned();
            run(it).err().map(|why| format!("{name}: {why}"))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[derive(Deserialize)]
struct Bump {
    file: String,
    before: String,
    pointer: String,
    value: String,
    version: String,
    after_blob: String,
}

/// Thirteen version bumps that a bot made in a public infrastructure repository: the blob git
/// makes of our result is the blob it made of the bot's.
#[test]
fn real_bumps_give_the_blobs_of_the_bot() {
    let lines = fs::read_to_string(fixtures().join("env-bumps.jsonl")).unwrap();
    let mut count = 0;
    for line in lines.lines() {
        let bump: Bump = serde_json::from_str(line).unwrap();
        let location = manifests::Location {
            file: bump.file.clone(),
            document: Document::Only,
            pointer: Pointer::parse(&bump.pointer).unwrap(),
            template: Template::parse(&bump.value).unwrap(),
            declared: manifests::Place {
                file: "environment.yaml".into(),
                document: 0,
                span: manifests::tree::Span::START,
            },
        };
        let values = Values {
            version: bump.version.clone(),
            ..Values::default()
        };
        let edited =
            manifests::set_version(&bump.file, bump.before.as_bytes(), &location, &values).unwrap();
        assert_eq!(blob(&edited.bytes), bump.after_blob);
        assert!(edited.changed);
        let previous = edited.previous.expect("every file held a version before");
        assert!(bump.before.contains(&previous), "{previous}");
        let again = manifests::set_version(&bump.file, &edited.bytes, &location, &values).unwrap();
        assert!(!again.changed && again.bytes == edited.bytes);
        assert_eq!(again.previous, Some(bump.version));
        count += 1;
    }
    assert_eq!(count, 13);
}

/// The name git gives to this content.
#[expect(
    clippy::disallowed_methods,
    reason = "the judge is git itself, which reads only stdin"
)]
fn blob(bytes: &[u8]) -> String {
    let mut git = Command::new("git")
        .args(["hash-object", "--stdin"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git is installed");
    git.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = git.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
