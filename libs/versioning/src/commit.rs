//! A commit, as far as versions are concerned. Whoever reads a repository fills it in.

use ids::Oid;

/// A commit, as it stands in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its name.
    pub oid: Oid,
    /// What it was made on; two or more make it a merge.
    pub parents: Vec<Oid>,
    /// The whole message. What is no UTF-8 was replaced.
    pub message: String,
    /// Who wrote it; verified by nobody.
    pub author: Person,
    /// When it was committed, in seconds since 1970 UTC, by the committer's clock.
    pub committed_at: i64,
}

impl AsRef<Self> for Commit {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Somebody, by their own word.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// The name.
    pub name: String,
    /// The address.
    pub email: String,
}
