//! A change to files of a branch, and what came of it.

use std::fmt;
use std::sync::Arc;

use ids::Oid;
use uuid::Uuid;

use crate::GitError;

/// Who makes the commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

impl Author {
    /// Checks what git would drop or misread: an author line is `name <email> time zone`.
    pub(crate) fn check(&self) -> Result<(), GitError> {
        let refuse = |why: &str| {
            Err(GitError::Author {
                why: why.to_owned(),
            })
        };
        for (what, text) in [("name", &self.name), ("e-mail address", &self.email)] {
            if text.trim().is_empty() {
                return refuse(&format!("its {what} is empty"));
            }
            if text.chars().any(|c| c.is_control() || c == '<' || c == '>') {
                return refuse(&format!("its {what} holds `<`, `>` or a control character"));
            }
        }
        Ok(())
    }
}

/// What an edit makes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditOutcome {
    /// These are the new bytes.
    Replace(Vec<u8>),
    /// The file already is as it should be.
    Unchanged,
}

/// A pure function from the bytes of a file (`None` when there is none) to what it should be, or
/// the text of a refusal. Run again on every new head, and skipped when it has already seen
/// these bytes.
pub type EditFn = dyn Fn(Option<&[u8]>) -> Result<EditOutcome, String> + Send + Sync;

/// One file of a change.
#[derive(Clone)]
pub struct FileEdit {
    /// The path, relative to the top of the repository, parts separated by `/`.
    pub path: String,
    /// What to do with it.
    pub edit: Arc<EditFn>,
}

impl fmt::Debug for FileEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileEdit")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// One change: one commit, or none when it already stands.
#[derive(Debug, Clone)]
pub struct Change {
    /// Names the change for ever: written as trailer `Towpath-Change`, and looked for before
    /// anything is done.
    pub id: Uuid,
    /// The files, each at most once.
    pub files: Vec<FileEdit>,
    /// The first line of the commit message.
    pub subject: String,
    /// The rest of it; may be empty.
    pub body: String,
    /// Trailers, in order, such as `Towpath-Deployment`.
    pub trailers: Vec<(String, String)>,
    /// A commit of the branch at which the change was certainly not there yet, which spares
    /// searching further back. Without it the whole history is searched, once per writer.
    pub since: Option<Oid>,
}

/// What came of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The commit that is this change; the tip of the branch when nothing had to change.
    pub commit: Oid,
    /// Nothing was written now: the change stood in the branch, or nothing had to change.
    pub already: bool,
    /// Every file already was as it should be.
    pub unchanged: bool,
    /// How often the batch was pushed until it landed; 0 when nothing was pushed.
    pub tries: u32,
}

/// Why a change was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// An edit refused what it found; the text is its own.
    #[error("{0}")]
    Refused(String),
    /// The change itself cannot be a commit: its paths, its message.
    #[error("{0}")]
    Invalid(String),
    /// The remote said no, and would say no again.
    #[error(
        "`{place}` does not accept the push to `{branch}`: {text}; allow this author to push to \
         the branch, or change what the hook objects to"
    )]
    Rejected {
        /// The repository.
        place: String,
        /// The branch.
        branch: String,
        /// What the remote said.
        text: String,
    },
    /// The remote did not answer, so nothing is known to be published; submit again later.
    #[error(transparent)]
    Unreachable(GitError),
    /// The repository cannot be worked with.
    #[error(transparent)]
    Git(GitError),
    /// The writer ended before it answered; submit again, to the next one.
    #[error("the writer of this branch has ended before the change was published; submit it again")]
    Stopped,
}

impl WriteError {
    /// A stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) => "git_edit_refused",
            Self::Invalid(_) => "git_change_invalid",
            Self::Rejected { .. } => "git_push_rejected",
            Self::Unreachable(error) | Self::Git(error) => error.code(),
            Self::Stopped => "git_writer_stopped",
        }
    }

    /// Whether submitting the same change later may succeed without anybody doing anything.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Refused(_) | Self::Invalid(_) | Self::Rejected { .. } => false,
            Self::Unreachable(_) | Self::Stopped => true,
            Self::Git(error) => error.retryable(),
        }
    }
}

impl From<GitError> for WriteError {
    fn from(error: GitError) -> Self {
        if matches!(
            error,
            GitError::Unreachable { .. } | GitError::Timeout { .. }
        ) {
            Self::Unreachable(error)
        } else {
            Self::Git(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_author_without_an_address_is_refused() {
        let author = |name: &str, email: &str| Author {
            name: name.to_owned(),
            email: email.to_owned(),
        };
        assert!(author("Towpath", "bot@example.com").check().is_ok());
        for wrong in [
            author("Towpath", ""),
            author(" ", "a@b"),
            author("a", "a>b"),
            author("a\nb", "a@b"),
        ] {
            assert_eq!(wrong.check().unwrap_err().code(), "git_author");
        }
    }
}
