//! The tenant repository of the fixtures, and how to load it.

use std::collections::BTreeMap;
use std::path::Path;

use manifests::{Cache, Diagnostic, Graph};

/// Path to content.
pub(crate) type Files = BTreeMap<String, String>;

/// All files of the tenant.
pub(crate) fn tenant() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tenant");
    let mut files = Files::new();
    for directory in [root.clone(), root.join("envs")] {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

/// Reads and links them.
pub(crate) fn load(files: &Files, cache: &mut Cache) -> (Graph, Vec<Diagnostic>) {
    let named = files.iter().map(|(path, text)| {
        let blob = format!("{:x}", blob(text));
        (path.as_str(), blob, text.as_bytes())
    });
    Graph::load(named, cache)
}

/// Any name that follows the content will do as a blob id.
pub(crate) fn blob(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |it, b| {
        (it ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The tenant, which has nothing wrong with it.
pub(crate) fn good() -> Graph {
    let (graph, findings) = load(&tenant(), &mut Cache::new());
    assert_eq!(findings, []);
    graph
}
