//! `towpath changelog A..B`: two revisions of a repository on this machine. Needs no server.

use std::path::Path;

use ids::Oid;
use repository::Repository;
use versioning::changelog::{Changelog, End, Forge};

use super::{Scene, print, shape};
use crate::failure::Failure;
use crate::shell;

pub(super) fn run(scene: &Scene, range: &str, repo: Option<&Path>) -> Result<(), Failure> {
    let (from, to) = ends(range)?;
    let repository = Repository::open(repo.unwrap_or(Path::new(".")))?;
    let (from, to) = (end(&repository, from)?, end(&repository, to)?);
    let it = changelog(&repository, from, to)?;
    print(scene, &it, || shape::changelog(&it))?;
    // The process ends: to give back the memory of so many commits one by one helps nobody.
    std::mem::forget(it);
    Ok(())
}

/// Both ends of `A..B`; an empty one is HEAD.
fn ends(range: &str) -> Result<(&str, &str), Failure> {
    let wrong = |code, why: String, fix: String| Err(Failure::usage(code, why).fix(fix));
    if let Some((from, to)) = range.split_once("...") {
        return wrong(
            "three-dots",
            format!("`{range}` is git's way to ask for both sides at once"),
            format!("`{from}..{to}` lists both already, each for itself"),
        );
    }
    match range.split_once("..") {
        Some(("", "")) => wrong(
            "no-ends",
            "`..` names no revision".to_owned(),
            "write `A..B`; one of them may be empty, which is HEAD".to_owned(),
        ),
        Some((from, to)) if !to.contains("..") => Ok((or_head(from), or_head(to))),
        _ => wrong(
            "no-range",
            format!("`{range}` is no range"),
            "write `A..B` with two revisions".to_owned(),
        ),
    }
}

fn or_head(revision: &str) -> &str {
    if revision.is_empty() {
        "HEAD"
    } else {
        revision
    }
}

fn changelog(repository: &Repository, from: End, to: End) -> Result<Changelog, Failure> {
    let address = repository.remote().and_then(|it| repository.address(&it));
    let forge = address.and_then(|it| Forge::of_remote(&it));
    let found = source::changelog(repository, Some(from), to, forge);
    found.map_err(|error| failure(repository, error))
}

fn end(repository: &Repository, revision: &str) -> Result<End, Failure> {
    let oid = repository.resolve(revision);
    Ok(End {
        oid: oid.map_err(|error| failure(repository, error))?,
        revision: revision.to_owned(),
    })
}

/// What a clone lacks, with the command that fetches it.
fn failure(repository: &Repository, error: repository::Error) -> Failure {
    let message = error.to_string();
    let remote = repository.remote();
    let origin = remote.as_deref().unwrap_or("origin");
    match error {
        repository::Error::Shallow { .. } => Failure::refused("shallow_history", message)
            .fix(shell::fetch(repository, &["--unshallow", origin])),
        repository::Error::NoSuchRevision { revision, .. } => {
            let is_commit = Oid::parse(&revision).is_ok();
            let failure = Failure::refused("no-such-revision", &message);
            if repository.boundary().is_ok_and(|it| !it.is_empty()) {
                let said = format!("{message}. This clone is shallow: it may be beyond its end");
                let what = if is_commit {
                    ["--unshallow", origin, &revision]
                } else {
                    ["--unshallow", "--tags", origin]
                };
                Failure::refused("shallow_history", said).fix(shell::fetch(repository, &what))
            } else if remote.is_some() && is_commit {
                failure.fix(shell::fetch(repository, &[origin, &revision]))
            } else if remote.is_some() && is_ref(&revision) {
                let command = shell::fetch(repository, &[origin, "tag", &revision]);
                failure.fix(format!(
                    "{command} if it is a tag; `git branch --all` lists branches"
                ))
            } else {
                failure.fix("`git tag` and `git branch --all` list what there is")
            }
        }
        repository::Error::NoRepository { .. }
        | repository::Error::Unsupported { .. }
        | repository::Error::Broken { .. } => error.into(),
    }
}

/// Whether it can be the name of a branch or a tag that needs no quoting.
fn is_ref(revision: &str) -> bool {
    !revision.starts_with('-')
        && revision
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || b"._-/+@".contains(&it))
        && !revision.contains("@{")
}
