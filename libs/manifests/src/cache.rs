//! What was read from files, kept by path and git blob: of 10,000 files with one change, one is
//! parsed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::API_VERSION;
use crate::check::Findings;
use crate::diagnostic::{Diagnostic, shown};
use crate::envelope;
use crate::manifest::Manifest;
use crate::parse::parse;
use crate::tree::Node;

/// Loads an entry survives without being used: enough for a handful of branches to take turns.
const KEPT_LOADS: u64 = 16;

/// More findings in one file help nobody.
const MAX_FINDINGS: usize = 100;

/// Keeps what was read from files. Give the same one to every load.
#[derive(Debug, Default)]
pub struct Cache {
    files: BTreeMap<Arc<str>, BTreeMap<Box<str>, Entry>>,
    load: u64,
    parsed: u64,
}

#[derive(Debug)]
struct Entry {
    file: Arc<Parsed>,
    used: u64,
}

/// What one file holds.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) manifests: Vec<Arc<Manifest>>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Cache {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many files were read since it was made.
    pub fn parsed(&self) -> u64 {
        self.parsed
    }

    /// How many files are kept.
    pub fn len(&self) -> usize {
        self.files.values().map(BTreeMap::len).sum()
    }

    /// Nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether a load would ask for the content of this file.
    pub fn wants(&self, path: &str, blob: &str) -> bool {
        may_hold_manifests(path) && self.files.get(path).is_none_or(|it| !it.contains_key(blob))
    }

    pub(crate) fn begin(&mut self) {
        self.load += 1;
    }

    /// Forgets what no recent load used.
    pub(crate) fn end(&mut self) {
        let oldest = self.load.saturating_sub(KEPT_LOADS);
        self.files.retain(|_, blobs| {
            if blobs.len() > 1 || blobs.values().any(|it| it.used < oldest) {
                blobs.retain(|_, it| it.used >= oldest);
            }
            !blobs.is_empty()
        });
    }

    /// The file, read now if it was not before. `bytes` is only called when needed.
    pub(crate) fn file<E>(
        &mut self,
        path: &str,
        blob: &str,
        bytes: impl FnOnce() -> Result<Arc<[u8]>, E>,
    ) -> Result<Arc<Parsed>, E> {
        if let Some(entry) = self.files.get_mut(path).and_then(|it| it.get_mut(blob)) {
            entry.used = self.load;
            return Ok(Arc::clone(&entry.file));
        }
        let bytes = bytes()?;
        self.parsed += 1;
        let path: Arc<str> = path.into();
        let file = Arc::new(read(&path, &bytes));
        let entry = Entry {
            file: Arc::clone(&file),
            used: self.load,
        };
        self.files
            .entry(path)
            .or_default()
            .insert(blob.into(), entry);
        Ok(file)
    }
}

/// Only these are looked into.
pub(crate) fn may_hold_manifests(path: &str) -> bool {
    let extension = std::path::Path::new(path).extension();
    ["yaml", "yml", "json"]
        .iter()
        .any(|it| extension.is_some_and(|e| e.eq_ignore_ascii_case(it)))
}

/// The value of a line that begins a manifest of ours, or of something that wants to be one.
fn claims(bytes: &[u8]) -> bool {
    const FAMILY: &[u8] = b"lowops";
    let mut lines = bytes.split(|b| matches!(b, b'\n' | b'\r' | b',' | b'{'));
    bytes.windows(FAMILY.len()).any(|it| it == FAMILY)
        && lines.any(|line| {
            let line = String::from_utf8_lossy(line);
            let line = line.trim_start_matches('\u{feff}').trim();
            let bare = line.trim_start_matches(['"', '\'']);
            bare.strip_prefix("apiVersion").is_some_and(|rest| {
                rest.trim_start_matches(['"', '\'', ' ', '\t', ':'])
                    .starts_with("lowops")
            })
        })
}

fn read(path: &Arc<str>, bytes: &[u8]) -> Parsed {
    if !claims(bytes) {
        return Parsed::default();
    }
    let tree = match parse(path, bytes) {
        Ok(tree) => tree,
        Err(diagnostic) => {
            return Parsed {
                manifests: Vec::new(),
                diagnostics: vec![diagnostic],
            };
        }
    };
    let mut findings = Findings {
        file: path,
        out: Vec::new(),
    };
    let mut manifests = Vec::new();
    for (index, doc) in tree.documents.iter().enumerate() {
        let Some(node) = doc.root.get("apiVersion") else {
            continue;
        };
        let version = node.scalar().unwrap_or_default();
        if version != API_VERSION {
            if version.starts_with("lowops") {
                wrong_version(version, node, &mut findings);
            }
            continue;
        }
        manifests.extend(envelope::read(path, index, doc, &mut findings).map(Arc::new));
    }
    if findings.out.len() > MAX_FINDINGS {
        let what = format!(
            "{} findings in one file; the first {MAX_FINDINGS} are shown",
            findings.out.len()
        );
        findings.out.truncate(MAX_FINDINGS);
        findings
            .out
            .push(Diagnostic::of_file("too-many-findings", what, path));
    }
    Parsed {
        manifests,
        diagnostics: findings.out,
    }
}

fn wrong_version(version: &str, node: &Node, findings: &mut Findings<'_>) {
    let what = format!("there is no apiVersion `{}`", shown(version));
    findings.add_with(
        "unknown-api-version",
        what,
        node,
        format!("write `{API_VERSION}`"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_claims_to_be_ours_is_read() {
        for ours in [
            "apiVersion: lowops.manifests.v1\n",
            "a: b\n---\n  apiVersion:   'lowops.manifests.v2'",
            "{\"apiVersion\": \"lowops.manifests.v1\"}",
            "\u{feff}apiVersion: lowops.manifest.v1",
            "{\"kind\":\"x\",\"apiVersion\":\"lowops.manifests.v1\"}",
        ] {
            assert!(claims(ours.as_bytes()), "{ours}");
        }
        for other in [
            "",
            "apiVersion: v1\n",
            "# apiVersion is lowops.manifests.v1\n",
            "note: lowops.manifests.v1\n",
        ] {
            assert!(!claims(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn paths_decide_what_is_opened() {
        assert!(may_hold_manifests("a/b.yaml") && may_hold_manifests("B.YML"));
        assert!(!may_hold_manifests("README.md") && !may_hold_manifests("yaml"));
    }
}
