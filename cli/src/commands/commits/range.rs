//! Which commits are asked about.

use ids::Oid;
use repository::{Branch, Repository};

use super::branch_name;
use crate::args;
use crate::failure::Failure;
use crate::home;
use crate::shell;

/// The commits that `to` has and `from` has not.
#[derive(Debug)]
pub(super) struct Range {
    /// Nothing where everything counts.
    pub(super) from: Option<Oid>,
    pub(super) to: Oid,
    /// A push: what was let in before is not judged again.
    pub(super) is_push: bool,
}

/// Finds out; nothing for a push that deleted its branch.
pub(super) fn of(
    repository: &Repository,
    asked: &args::Check,
    branch: Option<&str>,
) -> Result<Option<Range>, Failure> {
    if let (Some(before), Some(after)) = (&asked.before, &asked.after) {
        return pushed(repository, asked, branch, before, after);
    }
    let (from, to) = match &asked.range {
        Some(range) => ends(range)?,
        None => return unpushed(repository, asked, branch).map(Some),
    };
    Ok(Some(Range {
        from: Some(resolve(repository, from)?),
        to: resolve(repository, to)?,
        is_push: false,
    }))
}

/// Both ends of `A..B`; one that is left out is `HEAD`, as git has it.
fn ends(range: &str) -> Result<(&str, &str), Failure> {
    let refused = |why: &str| {
        Failure::usage("no-range", format!("`{range}` {why}")).fix(
            "write A..B for the commits that B has and A has not, such as origin/main..HEAD, or \
             X~1..X for one commit",
        )
    };
    if range.contains("...") {
        return Err(refused("asks for what either side has alone"));
    }
    let (from, to) = range
        .split_once("..")
        .ok_or_else(|| refused("is no range of commits"))?;
    Ok((end(from), end(to)))
}

/// An end that is left out is what is checked out, as for git.
fn end(named: &str) -> &str {
    if named.is_empty() { "HEAD" } else { named }
}

/// What a push brought. A forced one is no different: what `after` has and `before` had not.
fn pushed(
    repository: &Repository,
    asked: &args::Check,
    branch: Option<&str>,
    before: &str,
    after: &str,
) -> Result<Option<Range>, Failure> {
    if is_zero(after) {
        return Ok(None);
    }
    let default = branch_name(&asked.default_branch);
    let from = if !is_zero(before) {
        Some(resolve(repository, before)?)
    } else if branch == Some(default) {
        // The first push of all: nothing was there before.
        None
    } else {
        Some(tip(repository, default)?)
    };
    Ok(Some(Range {
        from,
        to: resolve(repository, after)?,
        is_push: true,
    }))
}

/// What the branch that is checked out has and the default branch, as last seen, has not.
fn unpushed(
    repository: &Repository,
    asked: &args::Check,
    branch: Option<&str>,
) -> Result<Range, Failure> {
    let default = branch_name(&asked.default_branch);
    let seen = find(repository, default)?;
    let is_itself = branch == Some(default) && seen.as_ref().is_some_and(|it| it.remote.is_none());
    if is_itself {
        return Err(Failure::usage(
            "no-range",
            format!("`{default}` is checked out, and no remote has one to compare it with"),
        )
        .fix("say which commits are meant, as A..B"));
    }
    let from = match seen {
        Some(seen) => seen.tip,
        None => tip(repository, default)?,
    };
    Ok(Range {
        from: Some(from),
        to: resolve(repository, "HEAD")?,
        is_push: false,
    })
}

/// A branch as last seen in the remote that is fetched from; else our own.
fn find(repository: &Repository, name: &str) -> Result<Option<Branch>, Failure> {
    let remote = repository.remote();
    let mut found = repository.branches()?;
    found.retain(|it| it.name == name && (it.remote.is_none() || it.remote == remote));
    found.sort_by_key(|it| it.remote.is_none());
    Ok(found.into_iter().next())
}

fn tip(repository: &Repository, default: &str) -> Result<Oid, Failure> {
    if let Some(found) = find(repository, default)? {
        return Ok(found.tip);
    }
    let place = repository.place().display();
    let said = format!("the default branch `{default}` is not in {place}");
    let fix = match repository.remote() {
        Some(remote) => shell::fetch(
            repository,
            &[
                &remote,
                &format!("{default}:refs/remotes/{remote}/{default}"),
            ],
        ),
        None => "name another one with --default-branch".to_owned(),
    };
    Err(Failure::refused("no-default-branch", said).fix(fix))
}

/// What forges and git say for "no commit".
fn is_zero(name: &str) -> bool {
    name.len() >= 40 && name.bytes().all(|it| it == b'0')
}

fn resolve(repository: &Repository, name: &str) -> Result<Oid, Failure> {
    let is_shallow = !repository.boundary()?.is_empty();
    if let Ok(commit) = Oid::parse(name) {
        return if repository.has(&commit) {
            Ok(commit)
        } else {
            Err(missing(repository, &commit, is_shallow))
        };
    }
    match repository.resolve(name) {
        Ok(commit) => Ok(commit),
        Err(error) if is_shallow => Err(Failure::refused(
            "shallow_history",
            format!("{error}; this clone is shallow"),
        )
        .fix(unshallow(repository, None))),
        Err(error) => Err(error.into()),
    }
}

/// A commit that somebody names and this clone has not: history that was left out, or what a
/// forced push left behind.
fn missing(repository: &Repository, commit: &Oid, is_shallow: bool) -> Failure {
    let place = repository.place().display();
    let failure = Failure::refused(
        "commit-missing",
        format!("commit {commit} is not in {place}, so that what changed since cannot be told"),
    );
    if home::variable("GIT_QUARANTINE_PATH").is_some() {
        return failure.fix(
            "a pre-receive hook keeps what is pushed apart, where nothing else finds it: check it \
             in CI or in a post-receive hook, or pass the messages on standard input with \
             --messages",
        );
    }
    match repository.remote() {
        _ if is_shallow => failure.fix(unshallow(repository, Some(commit))),
        Some(remote) => failure.fix(shell::fetch(repository, &[&remote, commit.as_str()])),
        None => failure.fix("name a repository that has it with --repo"),
    }
}

/// The command that brings the history that a shallow clone left out.
pub(super) fn unshallow(repository: &Repository, also: Option<&Oid>) -> String {
    let remote = repository.remote().unwrap_or_else(|| "origin".to_owned());
    let mut what = vec!["--unshallow", remote.as_str()];
    what.extend(also.map(Oid::as_str));
    shell::fetch(repository, &what)
}
