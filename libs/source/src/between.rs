//! What lies between two commits of a source repository, in both directions.

use std::sync::Arc;

use git::{GitError, Mirror};
use ids::Oid;
use repository::Repository;
use versioning::changelog::{Changelog, Changes, Draft, End, Forge, Note, Range};

use crate::Histories;
use crate::ancestry::BRANCHES;

/// Why nobody can say what lies between two commits.
#[derive(Debug, thiserror::Error)]
pub enum BetweenError {
    /// Neither branch that is followed has the commit, and the repository does not give it out.
    #[error(
        "{commit} is on none of the branches {} of {place}, and cannot be had by its name",
        BRANCHES.join(", ")
    )]
    NoSuchCommit {
        /// The commit.
        commit: Oid,
        /// The repository.
        place: String,
    },
    /// The repository cannot be reached or copied.
    #[error(transparent)]
    Git(#[from] GitError),
    /// What was copied cannot be read.
    #[error(transparent)]
    Repository(#[from] repository::Error),
}

impl Histories {
    /// What is new between two commits of the repository at `url`; with no `from`, all that `to`
    /// has. Links lead to where `url` is on the web.
    pub async fn changelog(
        &self,
        url: &str,
        from: Option<End>,
        to: End,
    ) -> Result<Changelog, BetweenError> {
        let mirror = self.mirror(url).await?;
        for wanted in from.iter().chain([&to]) {
            obtain(&mirror, &wanted.oid).await?;
        }
        let (directory, forge) = (mirror.directory().to_owned(), Forge::of_remote(url));
        let permit = Arc::clone(&self.walks).acquire_owned().await;
        let work = tokio::task::spawn_blocking(move || {
            let found = changelog(&Repository::open(&directory)?, from, to, forge);
            drop(permit);
            found
        });
        let found = work.await.map_err(|why| GitError::Broken {
            place: mirror.url().to_owned(),
            doing: "listing commits",
            detail: why.to_string(),
        })?;
        Ok(found?)
    }
}

/// Makes sure that the mirror has a commit.
async fn obtain(mirror: &Mirror, wanted: &Oid) -> Result<(), BetweenError> {
    if mirror.commit(wanted).await.is_ok() {
        return Ok(());
    }
    let mut trouble = None;
    for branch in BRANCHES {
        match mirror.fetch(branch).await {
            Ok(_) | Err(GitError::NoSuchBranch { .. } | GitError::Empty { .. }) => {}
            Err(error) => trouble = Some(error),
        }
    }
    if mirror.commit(wanted).await.is_ok() {
        return Ok(());
    }
    // It may be there once the repository can be read.
    if let Some(error) = trouble {
        return Err(error.into());
    }
    // Such as one of a hotfix branch.
    match mirror.bring(wanted).await {
        Ok(()) if mirror.commit(wanted).await.is_ok() => Ok(()),
        Ok(()) | Err(GitError::Missing { .. }) => Err(BetweenError::NoSuchCommit {
            commit: wanted.clone(),
            place: mirror.url().to_owned(),
        }),
        Err(error) => Err(error.into()),
    }
}

/// What is new between two commits of a repository; with no `from`, all that `to` has.
pub fn changelog(
    repository: &Repository,
    from: Option<End>,
    to: End,
    forge: Option<Forge>,
) -> Result<Changelog, repository::Error> {
    let (added, removed) = match &from {
        Some(from) => {
            let found = repository.between_as(&from.oid, &to.oid, Note::read)?;
            (found.added, found.removed)
        }
        None => (repository.range_as(None, &to.oid, Note::read)?, Vec::new()),
    };
    let draft = Draft::of(Range {
        from,
        to,
        added,
        removed,
    });
    let changes = repository.changes(&draft.candidates().commits);
    let changes = Changes {
        known: changes.known,
        unknown: changes.unknown.len(),
    };
    Ok(draft.finish(&changes, forge))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(oid: &Oid) -> End {
        End {
            revision: "v1".to_owned(),
            oid: oid.clone(),
        }
    }

    #[tokio::test]
    async fn everything_counts_when_nothing_ran_before_and_unknown_commits_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let remote = dir.path().join("source.git");
        git::init_bare(&remote).await.unwrap();
        let author = git::Author {
            name: "Wilma Person".into(),
            email: "wilma@example.com".into(),
        };
        let first = git::seed(&remote, &[("README", b"x")], &author, "Begin", 0);
        let first = first.await.unwrap();
        let histories = Histories::new(dir.path().join("mirrors"));
        let url = remote.to_str().unwrap();
        let all = histories.changelog(url, None, end(&first)).await.unwrap();
        assert_eq!((all.added.count(), all.removed.count()), (1, 0));
        assert_eq!(all.added.shown[0].subject, "Begin");
        let same = histories.changelog(url, Some(end(&first)), end(&first));
        let same = same.await.unwrap();
        assert_eq!((same.added.count(), same.removed.count()), (0, 0));
        let unknown = Oid::parse(&"b".repeat(40)).unwrap();
        let error = histories.changelog(url, None, end(&unknown)).await;
        let error = error.unwrap_err();
        assert!(
            matches!(error, BetweenError::NoSuchCommit { .. }),
            "{error}"
        );
    }

    /// A hotfix line, of which nothing is followed.
    #[expect(
        clippy::disallowed_methods,
        reason = "a repository with two branches is made as a person would make it"
    )]
    #[tokio::test]
    async fn a_commit_of_another_branch_is_brought_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let run = |at: &std::path::Path, arguments: &[&str]| {
            let output = std::process::Command::new("git")
                .current_dir(at)
                .args(["-c", "user.name=W", "-c", "user.email=w@example.com"])
                .args(arguments)
                .output()
                .unwrap();
            assert!(output.status.success(), "{arguments:?}: {output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let source = dir.path().join("source");
        run(dir.path(), &["init", "-q", "-b", "main", "source"]);
        run(&source, &["commit", "-q", "--allow-empty", "-m", "Begin"]);
        let main = Oid::parse(&run(&source, &["rev-parse", "HEAD"])).unwrap();
        run(&source, &["checkout", "-q", "-b", "hotfix/1"]);
        run(&source, &["commit", "-q", "--allow-empty", "-m", "fix: it"]);
        let hotfix = Oid::parse(&run(&source, &["rev-parse", "HEAD"])).unwrap();
        let histories = Histories::new(dir.path().join("mirrors"));
        let url = source.to_str().unwrap();
        let found = histories.changelog(url, Some(end(&main)), end(&hotfix));
        let found = found.await.unwrap();
        assert_eq!(found.added.shown[0].subject, "fix: it");
    }

    /// A forge whose credentials have been exchanged.
    #[tokio::test]
    async fn a_refused_credential_is_not_a_commit_that_is_not_there() {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api.git", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let _request = connection.read(&mut [0; 4096]);
                let _gone = connection.write_all(
                    b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                );
            }
        });
        let dir = tempfile::tempdir().unwrap();
        let histories = Histories::new(dir.path().join("mirrors"));
        let wanted = Oid::parse(&"b".repeat(40)).unwrap();
        let error = histories.changelog(&url, None, end(&wanted)).await;
        let error = error.unwrap_err();
        assert!(
            matches!(
                error,
                BetweenError::Git(GitError::AuthenticationFailed { .. })
            ),
            "{error}"
        );
    }
}
