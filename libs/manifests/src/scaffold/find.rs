//! Which files hold versions.

use std::collections::BTreeSet;

use crate::parse::parse;
use crate::plain;
use crate::pointer::Pointer;
use crate::scaffold::Proposal;
use crate::template::Template;
use crate::tree::{Node, Tree, Value};

/// Looks through files given as (path, content) and proposes plain-file entries, by file and
/// position. Files that do not parse and values that cannot be told apart are left out.
///
/// Recognised: `envs/<env>.json|yaml` with texts or `tag` / `image` fields; kustomizations with
/// `images[].newTag`; values files of Helm with `image.tag`.
pub fn propose<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<Proposal> {
    let mut found: Vec<Proposal> = files
        .into_iter()
        .flat_map(|(path, bytes)| in_file(path, bytes))
        .collect();
    found.sort_by(|a, b| {
        (&a.environment, &a.file, &a.pointer).cmp(&(&b.environment, &b.file, &b.pointer))
    });
    // One application has one place in an environment; what comes first stays.
    let mut seen = BTreeSet::new();
    found.retain(|it| seen.insert((it.environment.clone(), it.application.clone())));
    found
}

fn in_file(path: &str, bytes: &[u8]) -> Vec<Proposal> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let Some((stem, "json" | "yaml" | "yml")) = name.rsplit_once('.') else {
        return Vec::new();
    };
    let parsed = parse(path, bytes);
    let Some(root) = parsed.as_ref().ok().and_then(only_root) else {
        return Vec::new();
    };
    let parts: Vec<&str> = folder.split('/').filter(|it| !it.is_empty()).collect();
    if stem == "kustomization" {
        return kustomization(path, &parts, root);
    }
    if stem == "values" || stem.starts_with("values-") || stem.starts_with("values.") {
        return values(path, stem, &parts, root);
    }
    let in_environments = parts
        .last()
        .is_some_and(|it| matches!(*it, "envs" | "env" | "environments"));
    if in_environments {
        environment_file(path, stem, root)
    } else {
        Vec::new()
    }
}

fn only_root(tree: &Tree) -> Option<&Node> {
    match tree.documents.as_slice() {
        [only] => Some(&only.root),
        _ => None,
    }
}

struct Candidate<'a> {
    environment: String,
    application: String,
    file: &'a str,
    pointer: Pointer,
    reason: &'static str,
}

impl Candidate<'_> {
    /// The template is read from what stands there: an image with a tag keeps its image.
    fn with(self, node: &Node) -> Option<Proposal> {
        let Value::Scalar { text, .. } = &node.value else {
            return None;
        };
        if node.is_null() || node.anchor != 0 {
            return None;
        }
        let value = match text.rsplit_once(':') {
            Some((image, tag)) if image.contains(['/', '.']) && !tag.contains('/') => {
                Template::parse(&format!("{image}:{{version}}")).ok()?
            }
            _ => Template::version(),
        };
        value.matches(text)?;
        Some(Proposal {
            environment: name_of(&self.environment)?,
            application: name_of(&self.application)?,
            file: self.file.to_owned(),
            pointer: self.pointer,
            value,
            current: text.to_string(),
            reason: self.reason,
        })
    }
}

/// Names are lower case with `-`.
fn name_of(text: &str) -> Option<String> {
    let text: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let text = text.trim_matches('-').to_owned();
    ids::Name::parse(&text).ok().map(|_| text)
}

/// `{"api": "registry/api:v1"}`, `{"api": {"tag": "v1"}}`, `{"api": {"image": "registry/api:v1"}}`.
fn environment_file(path: &str, environment: &str, root: &Node) -> Vec<Proposal> {
    let candidate = |application: &str, pointer: Pointer| Candidate {
        environment: environment.to_owned(),
        application: application.to_owned(),
        file: path,
        pointer,
        reason: "a file of an environment",
    };
    let mut found = Vec::new();
    for (key, value) in root.entries().unwrap_or_default() {
        let Some(name) = key.scalar() else { continue };
        let here = start().join(name);
        if value
            .scalar()
            .is_some_and(|it| it.contains(':') && !it.contains("://"))
        {
            found.extend(candidate(name, here).with(value));
            continue;
        }
        for field in ["tag", "version", "imageTag", "image"] {
            let Some(it) = value.get(field) else { continue };
            let is_tag = field != "image" || it.scalar().is_some_and(|it| it.contains(':'));
            if is_tag {
                found.extend(candidate(name, here.join(field)).with(it));
                break;
            }
        }
    }
    found
}

/// `images: [{name: registry/api, newTag: v1}]`; the environment is the folder.
fn kustomization(path: &str, parts: &[&str], root: &Node) -> Vec<Proposal> {
    let Some(environment) = parts.last() else {
        return Vec::new();
    };
    let images = root.get("images").and_then(Node::items).unwrap_or_default();
    let found = images.iter().enumerate().filter_map(|(at, image)| {
        let name = image.get("name")?.scalar()?;
        let tag = image.get("newTag")?;
        Candidate {
            environment: (*environment).to_owned(),
            application: name.rsplit('/').next()?.to_owned(),
            file: path,
            pointer: start().join("images").join(&at.to_string()).join("newTag"),
            reason: "an image of a kustomization",
        }
        .with(tag)
    });
    found.collect()
}

/// `image: {repository: registry/api, tag: v1}` at the top or one level below.
fn values(path: &str, stem: &str, parts: &[&str], root: &Node) -> Vec<Proposal> {
    let suffix = stem
        .strip_prefix("values")
        .unwrap_or_default()
        .trim_start_matches(['-', '.']);
    let environment = if suffix.is_empty() {
        parts.last().copied().unwrap_or("default")
    } else {
        suffix
    };
    let chart = parts.iter().rev().find(|it| **it != environment).copied();
    let one = |holder: &Node, pointer: Pointer, key: Option<&str>| {
        let image = holder.get("image")?;
        let repository = image.get("repository").and_then(Node::scalar);
        let from_image = repository.and_then(|it| it.rsplit('/').next());
        Candidate {
            environment: environment.to_owned(),
            application: key.or(from_image).or(chart)?.to_owned(),
            file: path,
            pointer: pointer.join("image").join("tag"),
            reason: "the image of a values file",
        }
        .with(image.get("tag")?)
    };
    let mut found: Vec<Proposal> = one(root, start(), None).into_iter().collect();
    for (key, value) in root.entries().unwrap_or_default() {
        if let Some(name) = key.scalar().filter(|it| !plain::is_null(it)) {
            found.extend(one(value, start().join(name), Some(name)));
        }
    }
    found
}

fn start() -> Pointer {
    Pointer::parse("").expect("the empty pointer is a pointer")
}
