//! Whether a clone knows enough: what it left behind would make a wrong version, silently.

use std::collections::BTreeSet;

use git::{RemoteTag, remote_tags};
use ids::Oid;
use repository::Repository;
use semver::Version;
use versioning::catalogue::Catalogue;
use versioning::tag::Naming;

use crate::failure::Failure;
use crate::shell;

/// What the remote has and the clone has not.
#[derive(Debug, Default)]
pub(super) struct Beyond {
    /// Versions that no tag here shows.
    pub(super) taken: Vec<Version>,
    /// Commits whose parents were left behind.
    pub(super) boundary: BTreeSet<Oid>,
}

/// Makes sure that no tag is missing that counts. The remote is asked only where something is
/// odd: a shallow clone, one that leaves tags out, or one without any release.
pub(super) async fn look(
    repository: &Repository,
    naming: &Naming,
    catalogue: &Catalogue,
) -> Result<Beyond, Failure> {
    let boundary = repository.boundary()?;
    // Any remote that there is can say whether there are tags.
    let remote = repository
        .remote()
        .or_else(|| repository.remotes().into_iter().next());
    let Some(remote) = remote else {
        return if boundary.is_empty() {
            Ok(Beyond::default())
        } else {
            Err(Failure::refused(
                "shallow_history",
                "this clone is shallow, and no remote is named that has the rest",
            )
            .fix("clone the repository again without --depth"))
        };
    };
    let is_odd =
        !boundary.is_empty() || catalogue.releases.is_empty() || repository.leaves_tags(&remote);
    if !is_odd {
        return Ok(Beyond::default());
    }
    let there = remote_tags(repository.place(), &remote).await;
    let there = there.map_err(|error| {
        Failure::refused(
            "tags_incomplete",
            format!("tags may be missing here, and the remote cannot be asked: {error}"),
        )
        .fix(fetch(repository, !boundary.is_empty(), &remote))
    })?;
    let missing = missing(naming, catalogue, &there);
    let highest = there
        .iter()
        .filter_map(|it| naming.read(&it.name).ok())
        .filter(|it| it.pre.is_empty())
        .max_by(Version::cmp_precedence);
    let has_highest = highest.as_ref().is_none_or(|it| {
        let mut here = catalogue.releases.iter();
        here.any(|tag| tag.version.cmp_precedence(it).is_eq())
    });
    if !has_highest || (boundary.is_empty() && !missing.is_empty()) {
        let fix = fetch(repository, !boundary.is_empty(), &remote);
        return Err(incomplete(&missing, &remote).fix(fix));
    }
    Ok(Beyond {
        taken: missing.into_iter().map(|it| it.1).collect(),
        boundary,
    })
}

/// Versions of the remote that are not here, with their tags.
fn missing(naming: &Naming, here: &Catalogue, there: &[RemoteTag]) -> Vec<(String, Version)> {
    let known: BTreeSet<_> = here.all().map(|it| it.name.as_str()).collect();
    there
        .iter()
        .filter(|it| !known.contains(it.name.as_str()))
        .filter_map(|it| Some((it.name.clone(), naming.read(&it.name).ok()?)))
        .collect()
}

fn incomplete(missing: &[(String, Version)], remote: &str) -> Failure {
    let highest = missing.iter().max_by(|a, b| a.1.cmp_precedence(&b.1));
    let highest = highest.map_or(String::new(), |it| format!(", such as {}", it.0));
    Failure::refused(
        "tags_incomplete",
        format!(
            "{} versions of `{remote}` are no tags here{highest}: counting from what is here \
             would make a version that is wrong",
            missing.len()
        ),
    )
}

/// The history ends before the release that versions are counted from.
pub(super) fn shallow(repository: &Repository) -> Failure {
    let remote = repository
        .remote()
        .or_else(|| repository.remotes().into_iter().next());
    let remote = remote.as_deref().unwrap_or("origin");
    Failure::refused(
        "shallow_history",
        "this clone is shallow: its history ends before the highest release in it is reached, so \
         that nobody can say what comes after which version",
    )
    .fix(fetch(repository, true, remote))
}

/// The command that brings what is missing.
fn fetch(repository: &Repository, shallow: bool, remote: &str) -> String {
    if shallow {
        shell::fetch(repository, &["--unshallow", "--tags", remote])
    } else {
        shell::fetch(repository, &["--tags", remote])
    }
}
