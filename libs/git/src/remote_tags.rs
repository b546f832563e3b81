//! The tags that a remote has, whatever a clone of it holds.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ids::Oid;

use crate::GitError;
use crate::command::{Git, Whose};

/// How long a remote may take to list its tags.
const PATIENCE: Duration = Duration::from_mins(1);

/// A tag of a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteTag {
    /// The name, without `refs/tags/`.
    pub name: String,
    /// What it leads to, over however many other tags.
    pub target: Oid,
}

/// Asks a remote of the repository in `dir` for its tags, in the name of whoever keeps that
/// repository (`git ls-remote --tags`), sorted by name. Nothing is fetched.
pub async fn remote_tags(dir: &Path, remote: &str) -> Result<Vec<RemoteTag>, GitError> {
    let git = Git {
        dir: dir.to_owned(),
        place: remote.to_owned(),
        timeout: PATIENCE,
        environment: BTreeMap::new(),
        whose: Whose::User,
    };
    let output = git
        .run(&["ls-remote", "--tags", "--", remote], Vec::new())
        .await?;
    if !output.success {
        return Err(GitError::Broken {
            place: remote.to_owned(),
            doing: "listing tags",
            detail: output.stderr,
        });
    }
    Ok(read(&output.stdout))
}

/// Lines of a name and a reference; one that ends with `^{}` is what the tag before it leads to.
fn read(text: &str) -> Vec<RemoteTag> {
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let Some((target, name)) = line.split_once('\t') else {
            continue;
        };
        let (Ok(target), Some(name)) = (Oid::parse(target), name.strip_prefix("refs/tags/")) else {
            continue;
        };
        match name.strip_suffix("^{}") {
            Some(name) => {
                found.insert(name.to_owned(), target);
            }
            None => {
                found.entry(name.to_owned()).or_insert(target);
            }
        }
    }
    let tags = found.into_iter();
    tags.map(|(name, target)| RemoteTag { name, target })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_leads_to_what_stands_behind_it() {
        let (one, two) = ("1".repeat(40), "2".repeat(40));
        let text = format!(
            "{one}\trefs/tags/v1\n{two}\trefs/tags/v1^{{}}\n{one}\trefs/tags/a/b\nnonsense\n"
        );
        let found = read(&text);
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.name.as_str(), it.target.as_str()))
            .collect();
        assert_eq!(found, [("a/b", one.as_str()), ("v1", two.as_str())]);
    }

    #[tokio::test]
    async fn a_remote_that_is_not_there_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let error = remote_tags(dir.path(), "/nowhere/at/all")
            .await
            .unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
