//! Commits of a repository: which are judged, and what is said about them.

use std::process::ExitCode;

use repository::{Commit, Repository};
use serde_json::{Value, json};
use versioning::policy::{Passing, Policy};

use super::range::{self, Range};
use super::{Judged, branch_name, exit, policy};
use crate::args;
use crate::commands::Scene;
use crate::failure::Failure;
use crate::output;

/// Commits that nothing is asked of, by the reason.
#[derive(Debug, Default)]
struct Exempt {
    /// Their messages are written by git or a forge.
    merges: usize,
    /// They were let in there.
    already_protected: usize,
    /// Reverts and what `--autosquash` melts away, while the branch is not protected.
    passing: usize,
}

/// Where the commits are, and what that asks of them.
struct Place {
    branch: Option<String>,
    on_protected: bool,
}

pub(super) fn run(scene: &Scene, asked: &args::Check) -> Result<ExitCode, Failure> {
    // Commands that are printed for somebody work from wherever they are run.
    let dir = asked.repo.canonicalize();
    let repository = Repository::open(dir.as_ref().unwrap_or(&asked.repo))?;
    let policy = policy(asked);
    let branch = match &asked.branch {
        Some(given) => Some(branch_name(given).to_owned()),
        None => repository.branch()?,
    };
    let place = Place {
        on_protected: branch.as_deref().is_none_or(|it| policy.is_protected(it)),
        branch,
    };
    let range = range::of(&repository, asked, place.branch.as_deref())?;
    let mut exempt = Exempt::default();
    let commits = match &range {
        Some(range) => commits(&repository, range, &policy, &place, &mut exempt)?,
        None => Vec::new(),
    };
    let judged: Vec<_> = commits
        .iter()
        .map(|it| (it, Judged::of(&it.message, &policy, place.on_protected)))
        .collect();
    let failed = judged.iter().filter(|(_, it)| !it.is_fine()).count();
    if scene.is_json() {
        output::json(&shape(range.as_ref(), &place, &exempt, &judged, failed))?;
    } else {
        show(&judged)?;
        output::line(&summary(
            range.as_ref(),
            &place,
            &exempt,
            judged.len(),
            failed,
        ))?;
    }
    Ok(exit(failed))
}

/// The commits to judge, oldest first.
fn commits(
    repository: &Repository,
    range: &Range,
    policy: &Policy,
    place: &Place,
    exempt: &mut Exempt,
) -> Result<Vec<Commit>, Failure> {
    let mut commits = repository.range(range.from.as_ref(), &range.to)?;
    let boundary = repository.boundary()?;
    if let Some(last) = commits.iter().find(|it| boundary.contains(&it.oid)) {
        return Err(Failure::refused(
            "shallow_history",
            format!(
                "this clone is shallow: what was asked about goes on behind commit {}, where it \
                 ends",
                last.oid
            ),
        )
        .fix(range::unshallow(repository, None)));
    }
    commits.reverse();
    if let (true, Some(branch)) = (range.is_push, &place.branch) {
        let mut others = repository.branches()?;
        others.retain(|it| it.name != *branch && policy.is_protected(&it.name));
        let others: Vec<_> = others.into_iter().map(|it| it.tip).collect();
        let all: Vec<_> = commits.iter().map(|it| it.oid.clone()).collect();
        let new = repository.apart(&others, &all)?;
        exempt.already_protected = all.len() - new.len();
        commits.retain(|it| new.contains(&it.oid));
    }
    commits.retain(|it| {
        let is_merge = it.parents.len() > 1;
        let is_passing = !place.on_protected && Passing::of(&it.message).is_some();
        exempt.merges += usize::from(is_merge);
        exempt.passing += usize::from(is_passing && !is_merge);
        !is_merge && !is_passing
    });
    Ok(commits)
}

fn show(judged: &[(&Commit, Judged<'_>)]) -> Result<(), Failure> {
    for (commit, it) in judged.iter().filter(|(_, it)| !it.is_fine()) {
        let subject = it.message.lines().next().unwrap_or_default();
        let subject: String = subject.chars().take(100).collect();
        let name = output::short(commit.oid.as_str());
        output::line(&format!("{name}  {subject}"))?;
        output::raw(&it.shown().join("\n"))?;
    }
    Ok(())
}

fn summary(
    range: Option<&Range>,
    place: &Place,
    exempt: &Exempt,
    checked: usize,
    failed: usize,
) -> String {
    let Some(range) = range else {
        return "the branch was deleted: nothing to check".to_owned();
    };
    let from = range.from.as_ref().map(|it| output::short(it.as_str()));
    let to = output::short(range.to.as_str());
    let on = match (&place.branch, place.on_protected) {
        (Some(branch), true) => format!("on {branch}, which is protected"),
        (Some(branch), false) => format!("on {branch}"),
        (None, _) => "on a branch that is not known, so as if it were protected".to_owned(),
    };
    let reasons = [
        (exempt.merges, "merge(s)"),
        (
            exempt.already_protected,
            "on another protected branch already",
        ),
        (
            exempt.passing,
            "to be cleaned up before a merge (reverts, fixups)",
        ),
    ];
    let reasons: Vec<_> = reasons
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let exempt = if reasons.is_empty() {
        String::new()
    } else {
        format!("; exempt: {}", reasons.join(", "))
    };
    let from = from.unwrap_or_default();
    format!("{checked} commit(s) of {from}..{to} checked {on}: {failed} failed{exempt}")
}

fn shape(
    range: Option<&Range>,
    place: &Place,
    exempt: &Exempt,
    judged: &[(&Commit, Judged<'_>)],
    failed: usize,
) -> Value {
    let commits: Vec<_> = judged
        .iter()
        .map(|(commit, it)| {
            let mut shape = it.shape();
            shape["commit"] = commit.oid.as_str().into();
            shape
        })
        .collect();
    json!({
        "from": range.and_then(|it| it.from.as_ref()).map(ids::Oid::as_str),
        "to": range.map(|it| it.to.as_str()),
        "branch": place.branch,
        "protected": place.on_protected,
        "checked": judged.len(),
        "failed": failed,
        "exempt": {
            "merges": exempt.merges,
            "already_protected": exempt.already_protected,
            "passing": exempt.passing,
        },
        "commits": commits,
    })
}
