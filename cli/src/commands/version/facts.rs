//! What a repository says, as far as it is asked.

use ids::{Oid, ReleaseType};
use repository::Repository;
use versioning::bump::Level;
use versioning::catalogue::{Catalogue, TagAt};
use versioning::channel;
use versioning::compute::{Facts, Options};

use super::completeness::{self, Beyond};
use crate::args::Compute;
use crate::failure::Failure;
use crate::shell;

/// Looks up all that the decision needs, and no more: tags once, the history from the release
/// before to the commit, and as much beside it as proves that no higher release was missed.
pub(super) async fn gather(asked: &Compute, options: &Options) -> Result<Facts, Failure> {
    let repository = Repository::open(&asked.repo)?;
    if repository.is_empty() {
        let place = repository.place().display();
        return Err(
            Failure::refused("no-commit", format!("{place} has no commit yet"))
                .fix("commit something first"),
        );
    }
    let head = repository.resolve(&asked.commit)?;
    let release_type = release_type(&repository, asked)?;
    let label = label(&asked.labels)?;
    let tags = repository.tags()?.into_iter();
    let tags = tags.map(|it| (it.name, it.target));
    let mut catalogue = Catalogue::of(&options.naming, tags);
    // What the commit has already needs nothing else.
    let channel = channel::name(release_type);
    let is_settled = release_type == ReleaseType::None
        || catalogue.at(&head).any(|it| {
            let number = channel.and_then(|name| channel::number(&it.version, name));
            it.version.pre.is_empty() || number.is_some()
        });
    let beyond = if is_settled {
        Beyond::default()
    } else {
        catalogue.prove_highest(|it| repository.has(it));
        completeness::look(&repository, &options.naming, &catalogue).await?
    };
    let mut facts = Facts {
        release_type,
        head,
        catalogue,
        taken: beyond.taken.clone(),
        base: None,
        commits: Vec::new(),
        is_filtered: !asked.paths.is_empty(),
        commits_since_base: 0,
        label,
        said: Vec::new(),
        unreachable_higher: None,
        base_behind: false,
        hotfixes_apart: Vec::new(),
    };
    if !is_settled {
        history(&repository, asked, &beyond, &mut facts)?;
    }
    Ok(facts)
}

/// What the labels say, and the one that does.
fn label(labels: &[String]) -> Result<Option<(String, Level)>, Failure> {
    let labels: Vec<_> = labels.iter().map(|it| it.trim()).collect();
    let level = versioning::label::level(labels).map_err(|error| {
        Failure::refused("unknown-label", error.to_string())
            .fix("take the label off, or give release/major, release/minor or release/patch")
    })?;
    Ok(level.map(|it| (it.label().to_owned(), it)))
}

fn release_type(repository: &Repository, asked: &Compute) -> Result<ReleaseType, Failure> {
    if let Some(given) = asked.release_type {
        return Ok(given);
    }
    let branch = match &asked.branch {
        Some(branch) => named(branch)?,
        None => repository.branch()?.ok_or_else(|| {
            Failure::usage(
                "no-branch",
                "a commit is checked out, not a branch, so nothing says what is released",
            )
            .fix("give --branch with the branch that was pushed to, or --release-type")
        })?,
    };
    Ok(asked.strategy.release_type(&branch))
}

/// The branch that is meant: CI may give its whole name. An empty one is a variable that was not
/// set, and would skip every build without a word.
pub(super) fn named(branch: &str) -> Result<String, Failure> {
    let name = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    if name == "HEAD" {
        let what = "`HEAD` is no branch: git says so where a commit is checked out";
        return Err(Failure::usage("no-branch", what)
            .fix("give --branch with the branch that was pushed to, such as main"));
    }
    // <https://git-scm.com/docs/git-check-ref-format>
    let is_wrong = |it: char| it.is_control() || " ~^:?*[\\".contains(it);
    let is_branch = !name.is_empty()
        && !name.contains(is_wrong)
        && !name.contains("..")
        && !name.starts_with('-')
        && name != "@";
    is_branch.then(|| name.to_owned()).ok_or_else(|| {
        let what = format!("`{}` is no branch", branch.escape_debug());
        Failure::usage("branch", what)
            .fix("give the branch that was pushed to, such as main; see what a variable holds")
    })
}

/// The base, what came since, and what stands beside.
fn history(
    repository: &Repository,
    asked: &Compute,
    beyond: &Beyond,
    facts: &mut Facts,
) -> Result<(), Failure> {
    let mut heads = vec![facts.head.clone()];
    for branch in &asked.base_branches {
        heads.push(branch_head(repository, branch)?);
    }
    let releases = &facts.catalogue.releases;
    let commits: Vec<_> = releases.iter().map(|it| it.commit.clone()).collect();
    let found = repository.first_reachable(&heads, &commits)?;
    let is_shallow = !beyond.boundary.is_empty();
    let base = found.map(|at| releases[at].clone());
    let lowest = base.as_ref().map(|it| &it.version);
    facts.catalogue.prove(lowest, |it| repository.has(it));
    let highest = facts.catalogue.releases.first();
    let is_highest = base.is_some() && base.as_ref() == highest;
    let since = repository.range(base.as_ref().map(|it| &it.commit), &facts.head)?;
    let is_cut = since.iter().any(|it| beyond.boundary.contains(&it.oid));
    // In a shallow clone only the highest release of all may be taken for the base: another one
    // may be higher than what is seen, and reachable over what is not.
    if is_cut || (is_shallow && !is_highest) {
        return Err(completeness::shallow(repository));
    }
    facts.commits_since_base = u64::try_from(since.len()).unwrap_or(u64::MAX);
    if !is_highest {
        facts.unreachable_higher = highest.cloned();
    }
    if let Some(higher) = &facts.unreachable_higher {
        facts.base_behind = is_behind(repository, facts.release_type, higher)?;
    }
    facts.hotfixes_apart = hotfixes(repository, facts, base.as_ref())?;
    facts.base = base;
    let paths = paths(&asked.paths)?;
    for commit in since {
        if paths.is_empty() || touches(repository, &commit.oid, &paths)? {
            facts.commits.push(commit);
        }
    }
    if facts.commits.is_empty() {
        are_there(repository, &facts.head, &paths)?;
    }
    Ok(())
}

/// Paths as git names them, from the top of the repository.
fn paths(given: &[String]) -> Result<Vec<String>, Failure> {
    given
        .iter()
        .map(|path| {
            let inside = path
                .strip_prefix("./")
                .unwrap_or(path)
                .trim_end_matches('/');
            let mut parts = inside.split('/');
            if parts.any(|it| matches!(it, "" | "." | "..")) {
                let shown = path.escape_debug();
                return Err(Failure::usage(
                    "path",
                    format!("`{shown}` is no path in a repository"),
                )
                .fix("name a directory or file from the top of it, such as services/api"));
            }
            Ok(inside.to_owned())
        })
        .collect()
}

/// A path that was never there would skip every build without a word.
fn are_there(repository: &Repository, head: &Oid, paths: &[String]) -> Result<(), Failure> {
    for path in paths {
        if !repository.has_path(head, path)? {
            let what = format!(
                "nothing stands at `{}`, and nothing has changed there",
                path.escape_debug()
            );
            return Err(Failure::refused("no-such-path", what)
                .fix("name a directory or file from the top of the repository"));
        }
    }
    Ok(())
}

fn touches(repository: &Repository, commit: &Oid, paths: &[String]) -> Result<bool, Failure> {
    repository.touches(commit, paths).map_err(|error| {
        let remote = repository.remote().unwrap_or_else(|| "origin".to_owned());
        Failure::refused(
            "trees-missing",
            format!(
                "--path needs the directories of each commit, which a clone with \
                 --filter=tree:0 leaves out: {error}"
            ),
        )
        .fix(shell::fetch(
            repository,
            &["--refetch", "--filter=blob:none", &remote],
        ))
    })
}

/// A branch here, or as it was last seen on the remote.
fn branch_head(repository: &Repository, branch: &str) -> Result<Oid, Failure> {
    let here = repository.resolve(&format!("refs/heads/{branch}"));
    let remote = repository.remote();
    match (here, remote) {
        (Ok(head), _) => Ok(head),
        (Err(_), Some(remote)) => {
            Ok(repository.resolve(&format!("refs/remotes/{remote}/{branch}"))?)
        }
        (Err(error), None) => Err(error.into()),
    }
}

/// Whether the default branch has a release that the branch of an alpha or beta has not.
fn is_behind(
    repository: &Repository,
    release_type: ReleaseType,
    higher: &TagAt,
) -> Result<bool, Failure> {
    if !matches!(release_type, ReleaseType::Alpha | ReleaseType::Beta) {
        return Ok(false);
    }
    let remote = repository.remote().unwrap_or_default();
    let default = [
        format!("refs/remotes/{remote}/HEAD"),
        "refs/heads/main".to_owned(),
        "refs/heads/master".to_owned(),
    ];
    let Some(default) = default.iter().find_map(|it| repository.resolve(it).ok()) else {
        return Ok(false);
    };
    let apart = repository.apart(&[default], std::slice::from_ref(&higher.commit))?;
    Ok(apart.is_empty())
}

/// Fixes of the base that this history does not have.
fn hotfixes(
    repository: &Repository,
    facts: &Facts,
    base: Option<&TagAt>,
) -> Result<Vec<String>, Failure> {
    let (Some(base), ReleaseType::Latest) = (base, facts.release_type) else {
        return Ok(Vec::new());
    };
    let core = |it: &semver::Version| (it.major, it.minor, it.patch);
    let fixes: Vec<_> = facts
        .catalogue
        .pre_releases
        .iter()
        .filter(|it| core(&it.version) == core(&base.version))
        .filter(|it| channel::number(&it.version, "hotfix").is_some())
        .collect();
    let commits: Vec<_> = fixes.iter().map(|it| it.commit.clone()).collect();
    let apart = repository.apart(std::slice::from_ref(&facts.head), &commits)?;
    let apart = fixes.into_iter().filter(|it| apart.contains(&it.commit));
    Ok(apart.map(|it| it.name.clone()).collect())
}
