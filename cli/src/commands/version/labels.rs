//! What the labels and the bodies of merged pull requests say, which the server knows: from the
//! moment of the merge, or by asking the forge.

use ids::{Oid, ReleaseType};
use proto::forge::v1 as pb;
use repository::Repository;
use tonic::{Code, Request};
use versioning::bump::Level;
use versioning::compute::{By, Facts, Options, PreReleaseCore, Said};
use versioning::conventional;

use super::super::Scene;
use super::{facts, reserve};
use crate::args::Compute;
use crate::failure::Failure;

/// Commits asked about in one call, and in all: what is further back says what it says by its
/// message.
const AT_ONCE: usize = 200;
const MOST: usize = 1_000;

/// Adds what labels say of the commits since the base, where a server is named and the version
/// depends on it. Gives what somebody should know about that.
pub(super) async fn read(
    scene: &Scene,
    asked: &Compute,
    options: &Options,
    facts: &mut Facts,
) -> Result<Vec<String>, Failure> {
    let is_asked = scene.names_server() && !asked.without_labels;
    if !is_asked || facts.commits.is_empty() || !counts(facts, options) {
        return Ok(Vec::new());
    }
    let branch = match &asked.branch {
        Some(branch) => Some(facts::named(branch)?),
        None => Repository::open(&asked.repo)?.branch()?,
    };
    let repository = reserve::name(asked)?.to_string();
    let client = scene.client().await?;
    let mut commits: Vec<_> = facts.commits.iter().map(|it| it.oid.to_string()).collect();
    if branch.is_none() {
        // Is there anybody who would know?
        commits.truncate(1);
    }
    let mut said = Vec::new();
    if commits.len() > MOST {
        said.push(format!(
            "labels_unread: of {} commits only the newest {MOST} were asked about",
            commits.len()
        ));
    }
    for some in commits[..commits.len().min(MOST)].chunks(AT_ONCE) {
        let request = pb::ListPullRequestsRequest {
            repository: repository.clone(),
            // No branch is called so.
            branch: branch.clone().unwrap_or_else(|| "HEAD".to_owned()),
            commits: some.to_vec(),
        };
        let mut forge = client.forge();
        let answer = forge.list_pull_requests(Request::new(request)).await;
        let answer = answer.map_err(unread)?;
        let answer = answer.into_inner();
        if branch.is_none() && answer.not_asked.is_empty() {
            let what = "no branch is checked out, so that nobody knows into which one pull \
                        requests were merged";
            return Err(Failure::usage("no-branch", what)
                .fix("give --branch, or leave labels out with --without-labels"));
        }
        let unknown: Vec<_> = answer.commits.iter().filter(|it| it.unknown).collect();
        if let Some(first) = unknown.first() {
            said.push(format!(
                "labels_unread: GitHub does not have {} of the commits, such as {}",
                unknown.len(),
                first.commit
            ));
        }
        for came in answer.commits {
            take(facts, &came, &mut said)?;
        }
    }
    said.dedup();
    Ok(said)
}

/// Nothing is guessed: a label that was not read may have asked for a higher version.
fn unread(status: tonic::Status) -> Failure {
    let may_pass = matches!(status.code(), Code::Unavailable | Code::DeadlineExceeded);
    let failure = Failure::from(status);
    if may_pass || !failure.code().starts_with("github-") {
        return failure;
    }
    failure.or_fix(
        "where labels of pull requests say nothing about versions, leave them out with \
         --without-labels",
    )
}

/// Whether the version is another one when labels say more.
fn counts(facts: &Facts, options: &Options) -> bool {
    match facts.release_type {
        ReleaseType::Latest => true,
        ReleaseType::Alpha | ReleaseType::Beta => options.core == PreReleaseCore::Next,
        ReleaseType::Hotfix | ReleaseType::None => false,
    }
}

/// Takes in what one commit came with.
fn take(
    facts: &mut Facts,
    came: &pb::CommitPullRequests,
    said: &mut Vec<String>,
) -> Result<(), Failure> {
    let commit = Oid::parse(&came.commit)
        .map_err(|why| Failure::broke("server", format!("the server's answer: {why}")))?;
    for it in &came.pull_requests {
        let number = it.number;
        let is_unknown = |label: &&String| came.unknown_labels.contains(label);
        // It cannot be mended any more: what was merged is merged.
        let unknown = it.labels.iter().filter(is_unknown);
        said.extend(unknown.map(|label| {
            let label = label.escape_debug();
            format!("unknown_label: #{number} has `{label}`, which says nothing about versions")
        }));
        let known = it.labels.iter().filter(|it| !is_unknown(it));
        let level = versioning::label::level(known.map(String::as_str)).unwrap_or_default();
        if let Some(level) = level {
            facts.said.push(Said {
                commit: commit.clone(),
                pull_request: number,
                by: By::Label(level.label().to_owned()),
                level,
            });
        }
        if !it.breaks.is_empty() {
            facts.said.push(Said {
                commit: commit.clone(),
                pull_request: number,
                by: By::Body(it.breaks.clone()),
                level: Level::Major,
            });
        }
        if it.merge_commit == came.commit {
            said.extend(differs(facts, &commit, it));
        }
    }
    Ok(())
}

/// The title derived the label, the commit's message is what a changelog shows.
/// <https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/incorporating-changes-from-a-pull-request/about-pull-request-merges>
fn differs(facts: &Facts, commit: &Oid, it: &pb::PullRequest) -> Option<String> {
    let merged = facts.commits.iter().find(|it| it.oid == *commit)?;
    let title = conventional::parse(it.title.lines().next().unwrap_or_default()).ok()?;
    let shown = |it: &conventional::Conventional| {
        let mark = if it.breaking { "!" } else { "" };
        format!("`{}{mark}`", it.kind.escape_debug())
    };
    let message = match conventional::parse(&merged.message) {
        Ok(message) if message.is(&title.kind) && message.breaking == title.breaking => {
            return None;
        }
        Ok(message) => shown(&message),
        // What a merge brought in says so by itself.
        Err(_) if merged.parents.len() > 1 => return None,
        Err(_) => "no type".to_owned(),
    };
    Some(format!(
        "title_differs: #{} is titled {}, and what was merged says {message}; the message and the \
         labels count, and a title only by the label that it derived",
        it.number,
        shown(&title),
    ))
}
