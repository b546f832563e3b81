//! Commits of a repository, as those take them who decide about versions.

use versioning::commit::{Commit, Person};

/// A commit as it was read.
pub(crate) fn commit(it: repository::Commit) -> Commit {
    Commit {
        oid: it.oid,
        parents: it.parents,
        message: it.message,
        author: Person {
            name: it.author.name,
            email: it.author.email,
        },
        committed_at: it.committed_at,
    }
}
