//! A commit that is shown.

use ids::Oid;

use super::note::Note;
use super::{Person, Section, issue};

/// A commit that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is shown.
    pub section: Section,
    /// Its name.
    pub oid: Oid,
    /// The first line of its message.
    pub subject: String,
    /// Its type, as written; nothing when the message does not conform.
    pub kind: Option<String>,
    /// What it is about.
    pub scope: Option<String>,
    /// Whether who uses it has to change something.
    pub breaking: bool,
    /// What it does: the subject without type and scope, or all of it.
    pub description: String,
    /// What its footers say about what breaks.
    pub notes: Vec<String>,
    /// Who wrote it.
    pub author: Person,
    /// Who else did, by its trailers.
    pub co_authors: Vec<Person>,
    /// The pull request that brought it, as a forge wrote it behind the subject: `#12`.
    pub pull_request: Option<String>,
    /// What it refers to, such as `#12` or `PROJ-12`.
    pub issues: Vec<String>,
    /// The commits it takes back, as it names them.
    pub reverts: Vec<String>,
    /// When it was committed, in seconds since 1970 UTC.
    pub committed_at: i64,
}

impl Entry {
    pub(super) fn of(note: Note) -> Self {
        let section = Section::of(&note);
        let (kind, scope, breaking, description, notes) = if let Some(it) = note.conventional {
            let about = |token: &str| matches!(token, "BREAKING CHANGE" | "BREAKING-CHANGE");
            let notes = it.footers.into_iter().filter(|it| about(&it.token));
            let notes = notes.map(|it| it.value).collect();
            (Some(it.kind), it.scope, it.breaking, it.description, notes)
        } else {
            let description = note.subject.clone();
            (None, None, note.breaks, description, Vec::new())
        };
        Self {
            section,
            pull_request: issue::behind(&note.subject),
            oid: note.commit.oid,
            subject: note.subject,
            kind,
            scope,
            breaking,
            description,
            notes,
            author: note.commit.author,
            co_authors: note.co_authors,
            issues: note.issues,
            reverts: note.reverts.commits,
            committed_at: note.commit.committed_at,
        }
    }
}
