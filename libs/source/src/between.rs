//! What lies between two commits of a source repository, in both directions.

use git::{GitError, Log};
use ids::Oid;

use crate::Histories;
use crate::ancestry::BRANCHES;

/// What lies between two commits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Between {
    /// What the second has and the first has not.
    pub added: Log,
    /// What the first has and the second has not: it was taken back, or stands on another branch.
    pub removed: Log,
}

/// Why nobody can say what lies between two commits.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BetweenError {
    /// Neither branch that is followed has the commit.
    #[error("{commit} is on none of the branches {} of {place}", BRANCHES.join(", "))]
    NoSuchCommit {
        /// The commit.
        commit: Oid,
        /// The repository.
        place: String,
    },
    /// The repository cannot be read.
    #[error(transparent)]
    Git(#[from] GitError),
}

impl Histories {
    /// What lies between two commits of the repository at `url`, the newest `limit` of each side
    /// told. With no `from`, all that `to` has counts as added.
    pub async fn between(
        &self,
        url: &str,
        from: Option<&Oid>,
        to: &Oid,
        limit: usize,
    ) -> Result<Between, BetweenError> {
        let mirror = self.mirror(url).await?;
        for wanted in from.into_iter().chain([to]) {
            if mirror.commit(wanted).await.is_ok() {
                continue;
            }
            let mut trouble = None;
            for branch in BRANCHES {
                match mirror.fetch(branch).await {
                    Ok(_) | Err(GitError::NoSuchBranch { .. } | GitError::Empty { .. }) => {}
                    Err(error) => trouble = Some(error),
                }
            }
            match (mirror.commit(wanted).await, trouble) {
                (Ok(_), _) => {}
                // It may be there once the repository can be read.
                (Err(_), Some(error)) => return Err(error.into()),
                (Err(_), None) => {
                    return Err(BetweenError::NoSuchCommit {
                        commit: wanted.clone(),
                        place: mirror.url().to_owned(),
                    });
                }
            }
        }
        let removed = match from {
            None => Log::default(),
            Some(from) => mirror.log(Some(to), from, limit).await?,
        };
        Ok(Between {
            added: mirror.log(from, to, limit).await?,
            removed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let all = histories.between(url, None, &first, 9).await.unwrap();
        assert_eq!((all.added.total, all.removed.total), (1, 0));
        assert_eq!(all.added.newest[0].subject, "Begin");
        let same = histories
            .between(url, Some(&first), &first, 9)
            .await
            .unwrap();
        assert_eq!(same, Between::default());
        let unknown = Oid::parse(&"b".repeat(40)).unwrap();
        let error = histories.between(url, None, &unknown, 9).await.unwrap_err();
        assert!(
            matches!(error, BetweenError::NoSuchCommit { .. }),
            "{error}"
        );
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
        let error = histories.between(&url, None, &wanted, 9).await.unwrap_err();
        assert!(
            matches!(
                error,
                BetweenError::Git(GitError::AuthenticationFailed { .. })
            ),
            "{error}"
        );
    }
}
