//! What can go wrong with a repository, told apart by what a person has to do about it.

/// Why a repository could not be read, fetched or pushed to.
///
/// Every text says what failed, where, why, and what to do; none holds a credential. Cheap to
/// clone, because one broken connection answers a whole batch of changes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The address cannot be one of a repository, or holds a credential.
    #[error("the repository address `{shown}` is refused: {why}")]
    Address {
        /// The address, credentials removed.
        shown: String,
        /// What is wrong with it and what would be right.
        why: String,
    },
    /// Something is there, but it is no git repository.
    #[error(
        "`{place}` is not a git repository: {detail}; give the path or URL of a repository, or \
         create one there with `git init --bare`"
    )]
    NotARepository {
        /// Where it was looked for.
        place: String,
        /// What git said.
        detail: String,
    },
    /// The repository has no commits.
    #[error(
        "the repository `{place}` is empty: it has no branch with a commit; push a first commit \
         to `{branch}` and try again"
    )]
    Empty {
        /// The repository.
        place: String,
        /// The branch that was asked for.
        branch: String,
    },
    /// The repository is a shallow clone, so that ancestry in it cannot be trusted.
    #[error(
        "the repository `{place}` is shallow: part of its history is missing; run `git fetch \
         --unshallow` in it, or name the repository it was cloned from"
    )]
    Shallow {
        /// The repository.
        place: String,
    },
    /// A lock is held for longer than any git operation should take.
    #[error(
        "the repository `{place}` is locked: {detail}; if no git process is running there, \
         remove the lock file"
    )]
    Locked {
        /// The repository.
        place: String,
        /// Which lock, in git's words.
        detail: String,
    },
    /// The branch does not exist.
    #[error(
        "the repository `{place}` has no branch `{branch}`: create it or name another{}",
        hint(.known)
    )]
    NoSuchBranch {
        /// The repository.
        place: String,
        /// The branch that was asked for.
        branch: String,
        /// Branches that exist, at most ten.
        known: Vec<String>,
    },
    /// An object is not in the mirror.
    #[error("`{object}` is not in the mirror of `{place}`: fetch the branch that holds it first")]
    Missing {
        /// The repository.
        place: String,
        /// The object asked for.
        object: String,
    },
    /// The remote did not answer.
    #[error("`{place}` cannot be reached: {detail}; check the address and the network, then retry")]
    Unreachable {
        /// The repository.
        place: String,
        /// What git said, credentials removed.
        detail: String,
    },
    /// The remote does not accept the credentials.
    #[error(
        "`{place}` refused the credentials: {detail}; give a credential that may read and write \
         this repository"
    )]
    AuthenticationFailed {
        /// The repository.
        place: String,
        /// What git said, credentials removed.
        detail: String,
    },
    /// A git command took too long and was killed.
    #[error(
        "`git {command}` on `{place}` took longer than {seconds} s and was stopped; retry, or raise the timeout"
    )]
    Timeout {
        /// The repository.
        place: String,
        /// The subcommand.
        command: String,
        /// The limit, in seconds.
        seconds: u64,
    },
    /// The `git` program cannot be started.
    #[error(
        "the `git` program cannot be started: {detail}; install git 2.40 or later and make sure it is on PATH"
    )]
    NoGit {
        /// What the system said.
        detail: String,
    },
    /// The commit author is not usable.
    #[error("the commit author is not usable: {why}; set a name and an e-mail address")]
    Author {
        /// What is wrong.
        why: String,
    },
    /// A name that cannot be a branch.
    #[error("`{branch}` cannot be the name of a branch: {why}")]
    Branch {
        /// The name, escaped.
        branch: String,
        /// What is wrong.
        why: String,
    },
    /// A file or directory of ours could not be read or written.
    #[error("`{path}` cannot be {verb}: {detail}; check permissions and free space, then retry")]
    Storage {
        /// The file or directory.
        path: String,
        /// What was tried: `read`, `created`, `written`.
        verb: &'static str,
        /// What the system said.
        detail: String,
    },
    /// Objects are damaged or git failed in a way that has no better name.
    #[error("git failed on `{place}` while {doing}: {detail}")]
    Broken {
        /// The repository or mirror.
        place: String,
        /// What was being done.
        doing: &'static str,
        /// What git or the object store said.
        detail: String,
    },
}

fn hint(known: &[String]) -> String {
    if known.is_empty() {
        String::new()
    } else {
        format!(" (it has {})", known.join(", "))
    }
}

impl GitError {
    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "git_address",
            Self::NotARepository { .. } => "git_not_a_repository",
            Self::Empty { .. } => "git_empty",
            Self::Shallow { .. } => "git_shallow",
            Self::Locked { .. } => "git_locked",
            Self::NoSuchBranch { .. } => "git_no_such_branch",
            Self::Missing { .. } => "git_missing_object",
            Self::Unreachable { .. } => "git_unreachable",
            Self::AuthenticationFailed { .. } => "git_authentication_failed",
            Self::Timeout { .. } => "git_timeout",
            Self::NoGit { .. } => "git_not_installed",
            Self::Author { .. } => "git_author",
            Self::Branch { .. } => "git_branch_name",
            Self::Storage { .. } => "git_storage",
            Self::Broken { .. } => "git_broken",
        }
    }

    /// Whether the same call may succeed later without anybody changing the request.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Locked { .. }
            | Self::Unreachable { .. }
            | Self::Timeout { .. }
            | Self::Storage { .. }
            | Self::Broken { .. } => true,
            Self::Address { .. }
            | Self::NotARepository { .. }
            | Self::Empty { .. }
            | Self::Shallow { .. }
            | Self::NoSuchBranch { .. }
            | Self::Missing { .. }
            | Self::AuthenticationFailed { .. }
            | Self::NoGit { .. }
            | Self::Author { .. }
            | Self::Branch { .. } => false,
        }
    }

    pub(crate) fn storage(
        path: &std::path::Path,
        verb: &'static str,
        why: &std::io::Error,
    ) -> Self {
        Self::Storage {
            path: path.display().to_string(),
            verb,
            detail: why.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_branch_names_the_ones_that_exist() {
        let error = GitError::NoSuchBranch {
            place: "/srv/env.git".to_owned(),
            branch: "mian".to_owned(),
            known: vec!["main".to_owned()],
        };
        assert_eq!(
            error.to_string(),
            "the repository `/srv/env.git` has no branch `mian`: create it or name another (it \
             has main)"
        );
        assert_eq!(error.code(), "git_no_such_branch");
        assert!(!error.retryable());
    }
}
