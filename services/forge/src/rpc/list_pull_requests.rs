//! `ListPullRequests`: what commits of a branch came with.
//!
//! GitHub lists the pull requests of a commit, and for one that is not on the default branch those
//! that are open, too. What counts is merged and went to the branch; where the commit is what a
//! merge made, only that merge.

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use ids::{Oid, RepositoryName};
use proto::forge::v1 as pb;
use service::fault::{Fault, Kind};

use crate::Inner;
use crate::domain::label::Label;
use crate::domain::pull_request::{Key, Merge};
use crate::github::{Error, GitHub};

/// The most commits that can be asked about at once.
const MOST: usize = 200;
/// Commits that GitHub is asked about at once.
const AT_ONCE: usize = 4;

/// A commit, and what it came with; nothing when it is not there.
type Came = (Oid, Option<Vec<pb::PullRequest>>);

impl Inner {
    pub(super) async fn list_pull_requests(
        &self,
        request: &pb::ListPullRequestsRequest,
    ) -> Result<pb::ListPullRequestsResponse, Fault> {
        let asked = Asked::parse(request)?;
        self.read_now().await?;
        let not_asked = self.why_not(&asked.repository);
        let github = self.github.as_ref().filter(|_| not_asked.is_none());
        let mut is_complete = true;
        let mut found = Vec::new();
        for commit in &asked.commits {
            let recorded = self.recorded(&asked, commit);
            is_complete &= !recorded.is_empty();
            found.push((commit.clone(), Some(recorded)));
        }
        let found: Vec<Came> = match github {
            None => found,
            Some(github) => self.complete(github, &asked, found).await?,
        };
        Ok(pb::ListPullRequestsResponse {
            commits: found.into_iter().map(shape).collect(),
            not_asked: not_asked.filter(|_| !is_complete).unwrap_or_default(),
        })
    }

    /// Why GitHub cannot be asked about a repository.
    fn why_not(&self, repository: &RepositoryName) -> Option<String> {
        match &self.github {
            None => Some("no GitHub is configured (forge.github.token_file)".to_owned()),
            Some(github) if github.host() != repository.host() => {
                let (host, here) = (repository.host(), github.host());
                Some(format!(
                    "the repository is on {host}, and {here} is configured"
                ))
            }
            Some(_) => None,
        }
    }

    fn recorded(&self, asked: &Asked, commit: &Oid) -> Vec<pb::PullRequest> {
        let world = self.world();
        let all = world.merged_by(&asked.repository, &asked.branch, commit);
        let mut all: Vec<_> = all
            .into_iter()
            .map(|(number, it)| pull_request(number, &it, true))
            .collect();
        all.sort_by_key(|it| it.number);
        all
    }

    /// Asks GitHub about every commit of which nothing is recorded.
    async fn complete(
        &self,
        github: &GitHub,
        asked: &Asked,
        found: Vec<Came>,
    ) -> Result<Vec<Came>, Fault> {
        let each = found.into_iter().map(|(commit, recorded)| async move {
            if recorded.as_ref().is_some_and(|it| !it.is_empty()) {
                return Ok((commit, recorded));
            }
            let answered = self.ask(github, asked, &commit).await;
            answered.map(|all| (commit, all))
        });
        stream::iter(each).buffered(AT_ONCE).try_collect().await
    }

    async fn ask(
        &self,
        github: &GitHub,
        asked: &Asked,
        commit: &Oid,
    ) -> Result<Option<Vec<pb::PullRequest>>, Fault> {
        let path = asked.repository.path();
        let pulls = github
            .pulls_of(path, commit)
            .await
            .map_err(|it| fault(&it))?;
        let Some(pulls) = pulls else {
            return Ok(None);
        };
        let merged = pulls
            .iter()
            .filter_map(|it| Some((it.number, it.merge(false)?)));
        let mut all: Vec<_> = merged.filter(|(_, it)| it.base == asked.branch).collect();
        if all.iter().any(|(_, it)| it.commit.as_ref() == Some(commit)) {
            all.retain(|(_, it)| it.commit.as_ref() == Some(commit));
        }
        all.sort_by_key(|(number, _)| *number);
        let all = all.into_iter().map(|it| self.as_recorded(asked, it));
        Ok(Some(all.collect()))
    }

    /// Labels that were changed after the merge do not count where it is known what they were.
    fn as_recorded(&self, asked: &Asked, (number, merge): (u64, Merge)) -> pb::PullRequest {
        let repository = asked.repository.clone();
        let key = Key { repository, number };
        match self.world().merge_of(&key) {
            Some(recorded) => pull_request(number, recorded, true),
            None => pull_request(number, &merge, false),
        }
    }
}

fn fault(error: &Error) -> Fault {
    let why = error.to_string();
    if error.is_passing() {
        return Fault::new(Kind::Unknown, "github-unreachable", why).fix("repeat the call later");
    }
    Fault::new(Kind::Rejected, "github-refused", why)
        .fix("correct what it names; after that, a minute may pass before GitHub is asked again")
}

/// A request, as it is understood.
struct Asked {
    repository: RepositoryName,
    branch: String,
    commits: Vec<Oid>,
}

impl Asked {
    fn parse(request: &pb::ListPullRequestsRequest) -> Result<Self, Fault> {
        let invalid = |code, what: String| Fault::new(Kind::Invalid, code, what);
        let repository = RepositoryName::parse(&request.repository)
            .map_err(|error| invalid("repository-invalid", error.to_string()))?;
        let branch = &request.branch;
        let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        if branch.is_empty() || request.branch.chars().any(char::is_control) {
            let what = "the branch that they were merged into is missing".to_owned();
            return Err(invalid("branch-invalid", what));
        }
        if request.commits.len() > MOST {
            let what = format!("{} commits are more than {MOST}", request.commits.len());
            return Err(invalid("too-many-commits", what).fix("ask about them in several calls"));
        }
        let commits = request.commits.iter().map(|it| Oid::parse(it));
        let commits = commits.collect::<Result<_, _>>();
        Ok(Self {
            repository,
            branch: branch.to_owned(),
            commits: commits.map_err(|error| invalid("commit-invalid", error.to_string()))?,
        })
    }
}

fn pull_request(number: u64, it: &Merge, recorded: bool) -> pb::PullRequest {
    pb::PullRequest {
        number,
        title: it.title.clone(),
        labels: it.labels.clone(),
        merge_commit: it.commit.as_ref().map(Oid::to_string).unwrap_or_default(),
        base: it.base.clone(),
        merged_at_us: it.merged_at_us,
        recorded,
        breaks: it.breaks.clone(),
    }
}

fn shape((commit, came): Came) -> pb::CommitPullRequests {
    let unknown = came.is_none();
    let pull_requests = came.unwrap_or_default();
    let labels = pull_requests.iter().flat_map(|it| &it.labels);
    let (known, others): (Vec<_>, Vec<_>) = labels.partition(|it| Label::parse(it).is_some());
    let highest = known.into_iter().filter_map(|it| Label::parse(it)).max();
    pb::CommitPullRequests {
        commit: commit.to_string(),
        label: highest.map(|it| it.to_string()).unwrap_or_default(),
        unknown_labels: others.into_iter().cloned().collect(),
        unknown,
        pull_requests,
    }
}
