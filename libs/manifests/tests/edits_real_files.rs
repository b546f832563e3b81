//! Real files, written by others: every YAML and JSON file in the sources of the downloaded
//! crates, some random scalars of each. Another parser judges: exactly that scalar differs.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the finding")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use manifests::tree::{Node, Value};
use manifests::{Document, MAX_BYTES, Pointer, parse, set_scalar};

/// Scalars tried per file; large files get one.
const EDITS: usize = 12;
const LARGE: u64 = 100_000;

const NEW_VALUES: [&str; 12] = [
    "v2.4.13-zq",
    "1.20",
    "on",
    "1e3",
    "0x1f",
    "2026-01-01",
    "null",
    "a b: c #d",
    "it's \"q\" \\ back",
    "größe→😀",
    "registry.example.com:5000/api:v2",
    "- {x, y}",
];

/// `SplitMix64` (<https://prng.di.unimi.it/splitmix64.c>): small, seeded, the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }
}

fn files(directory: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            files(&path, found);
        } else if path
            .extension()
            .is_some_and(|it| it == "yaml" || it == "yml" || it == "json")
        {
            found.push(path);
        }
    }
}

fn scalars(node: &Node, at: &Pointer, out: &mut Vec<Pointer>) {
    match &node.value {
        Value::Scalar { .. } | Value::Alias(_) => out.push(at.clone()),
        Value::Sequence { items, .. } => {
            for (index, it) in items.iter().enumerate() {
                scalars(it, &at.join(&index.to_string()), out);
            }
        }
        Value::Mapping { entries, .. } => {
            for (key, it) in entries {
                if let Some(key) = key.scalar() {
                    scalars(it, &at.join(key), out);
                }
            }
        }
    }
}

/// What the judge sees; JSON files are judged by the JSON parser.
fn judge(json: bool, text: &str) -> Option<Vec<yaml_serde::Value>> {
    use serde::Deserialize as _;
    if json {
        let value: serde_json::Value =
            serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
        return Some(vec![yaml_serde::to_value(value).ok()?]);
    }
    yaml_serde::Deserializer::from_str(text)
        .map(|it| yaml_serde::Value::deserialize(it).ok())
        .collect()
}

/// A difference: the way to it, and what stands there now.
type Difference = (Vec<String>, yaml_serde::Value);

fn differences(
    a: &yaml_serde::Value,
    b: &yaml_serde::Value,
    at: &mut Vec<String>,
    out: &mut Vec<Difference>,
) {
    use yaml_serde::Value as V;
    match (a, b) {
        (V::Mapping(a), V::Mapping(b)) if a.len() == b.len() => {
            for ((ka, va), (kb, vb)) in a.iter().zip(b) {
                let key = ka.as_str().map_or_else(
                    || yaml_serde::to_string(ka).unwrap().trim().to_owned(),
                    str::to_owned,
                );
                at.push(key);
                if ka == kb {
                    differences(va, vb, at, out);
                } else {
                    out.push((at.clone(), kb.clone()));
                }
                at.pop();
            }
        }
        (V::Sequence(a), V::Sequence(b)) if a.len() == b.len() => {
            for (index, (a, b)) in a.iter().zip(b).enumerate() {
                at.push(index.to_string());
                differences(a, b, at, out);
                at.pop();
            }
        }
        (V::Tagged(a), V::Tagged(b)) if a.tag == b.tag => {
            differences(&a.value, &b.value, at, out);
        }
        (a, b) => {
            if a != b {
                out.push((at.clone(), b.clone()));
            }
        }
    }
}

#[derive(Default)]
struct Tally {
    changed: usize,
    unjudged: usize,
    unparsed: BTreeMap<&'static str, usize>,
    refused: BTreeMap<&'static str, usize>,
    corrupt: Vec<String>,
}

impl Tally {
    fn file(&mut self, path: &Path, random: &mut Random) {
        let Ok(bytes) = std::fs::read(path) else {
            return;
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let tree = match parse(&name, &bytes) {
            Ok(tree) => tree,
            Err(why) => {
                *self.unparsed.entry(why.code).or_default() += 1;
                return;
            }
        };
        let text = std::str::from_utf8(&bytes).expect("it was parsed");
        let json = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
        let before = judge(json, text);
        let tries = if bytes.len() as u64 > LARGE { 1 } else { EDITS };
        for _ in 0..tries {
            if tree.documents.is_empty() {
                return;
            }
            let index = random.below(tree.documents.len());
            let mut pointers = Vec::new();
            let root = Pointer::parse("").unwrap();
            scalars(&tree.documents[index].root, &root, &mut pointers);
            if pointers.is_empty() {
                continue;
            }
            let pointer = &pointers[random.below(pointers.len())];
            let value = NEW_VALUES[random.below(NEW_VALUES.len())];
            match set_scalar(&name, &bytes, &Document::Index(index), pointer, value) {
                Err(why) => *self.refused.entry(why.code).or_default() += 1,
                Ok(after) if after == bytes => {}
                Ok(after) => {
                    self.changed += 1;
                    self.weigh(path, json, before.as_deref(), &after, pointer, value);
                }
            }
        }
    }

    fn weigh(
        &mut self,
        path: &Path,
        json: bool,
        before: Option<&[yaml_serde::Value]>,
        after: &[u8],
        pointer: &Pointer,
        value: &str,
    ) {
        let Some(before) = before else {
            self.unjudged += 1;
            return;
        };
        let after = std::str::from_utf8(after)
            .ok()
            .and_then(|it| judge(json, it));
        let mut found = Vec::new();
        if let Some(after) = after.filter(|it| it.len() == before.len()) {
            for (a, b) in before.iter().zip(&after) {
                differences(a, b, &mut Vec::new(), &mut found);
            }
        }
        let wanted = yaml_serde::Value::String(value.to_owned());
        let right = match found.as_slice() {
            [(at, now)] => *now == wanted && at == pointer.tokens(),
            _ => false,
        };
        if !right {
            self.corrupt.push(format!(
                "{}{pointer} = {value:?}: {found:?}",
                path.display()
            ));
        }
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test is an edge: where cargo keeps sources, and which seed to repeat"
)]
fn real_files_differ_in_one_scalar_or_are_refused() {
    let home = std::env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").expect("a home directory")).join(".cargo"),
        PathBuf::from,
    );
    let mut found = Vec::new();
    files(&home.join("registry/src"), &mut found);
    found.retain(|it| it.metadata().is_ok_and(|it| it.len() <= MAX_BYTES as u64));
    found.sort();
    let seed = std::env::var("TOWPATH_SEED")
        .ok()
        .and_then(|it| it.parse().ok())
        .unwrap_or(20_261_120);
    let mut random = Random(seed);
    let mut tally = Tally::default();
    for path in &found {
        tally.file(path, &mut random);
    }
    let report = format!(
        "seed {seed}: {} files, {} edits, {} not readable by the judge\nnot parsed: {:?}\nrefused: {:?}",
        found.len(),
        tally.changed,
        tally.unjudged,
        tally.unparsed,
        tally.refused
    );
    assert!(
        tally.corrupt.is_empty(),
        "{report}\n{}",
        tally.corrupt.join("\n")
    );
    assert!(
        tally.changed > found.len(),
        "too little was tried: {report}"
    );
    // Shown with --no-capture.
    std::io::Write::write_all(&mut std::io::stdout(), format!("{report}\n").as_bytes()).unwrap();
}
