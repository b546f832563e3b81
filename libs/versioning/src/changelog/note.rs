//! What the message of a commit says.

use super::left_out::Reason;
use super::revert::Reverts;
use super::{Commit, Person, credit, issue};
use crate::conventional::{self, Conventional};

/// A commit whose message was read.
#[derive(Debug, Clone)]
pub struct Note {
    pub(super) commit: Commit,
    pub(super) conventional: Option<Conventional>,
    /// It breaks something, although it conforms to no convention.
    pub(super) breaks: bool,
    pub(super) subject: String,
    pub(super) co_authors: Vec<Person>,
    pub(super) issues: Vec<String>,
    pub(super) reverts: Reverts,
    /// Why it is not shown, as soon as that is known.
    pub(super) left_out: Option<Reason>,
}

impl Note {
    /// Reads the message of a commit. Each is read for itself: several threads may.
    pub fn read(commit: Commit) -> Self {
        let conventional = conventional::parse(&commit.message).ok();
        let subject = commit.message.trim_start().lines().next();
        let subject = subject.unwrap_or_default().trim().to_owned();
        Self {
            reverts: Reverts::read(&commit.message, &subject, conventional.as_ref()),
            co_authors: credit::co_authors(&commit.message, &commit.author),
            issues: issue::mentioned(&commit.message),
            left_out: (commit.parents.len() > 1).then_some(Reason::Merge),
            breaks: conventional.is_none() && conventional::marks_breaking(&commit.message),
            conventional,
            subject,
            commit,
        }
    }
}

impl AsRef<Commit> for Note {
    fn as_ref(&self) -> &Commit {
        &self.commit
    }
}
