//! What is new between two commits: what one has and the other has not, sorted for readers.
//!
//! Every commit is either shown or named as left out, with the reason. A changelog that is
//! silently short is worth less than `git log`.

mod credit;
mod document;
mod draft;
mod entry;
mod forge;
mod html;
mod issue;
mod left_out;
mod lines;
mod markdown;
mod note;
pub(crate) mod revert;
mod section;
mod text;
mod twin;
mod visible;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;

use ids::Oid;

pub use crate::commit::{Commit, Person};
pub use draft::{Candidates, Changes, Draft};
pub use entry::Entry;
pub use forge::Forge;
pub use left_out::{LeftOut, Reason};
pub use section::Section;

/// One end of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// As it was asked for.
    pub revision: String,
    /// The commit that it named.
    pub oid: Oid,
}

/// What a changelog is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// Where the reader comes from.
    pub from: End,
    /// Where the reader goes.
    pub to: End,
    /// What `to` has and `from` has not, newest first.
    pub added: Vec<Commit>,
    /// What `from` has and `to` has not, newest first.
    pub removed: Vec<Commit>,
}

/// How two commits lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// They are one.
    Same,
    /// The second descends from the first.
    Forward,
    /// The first descends from the second: a rollback.
    Backward,
    /// Each has what the other has not: a hotfix line.
    Diverged,
}

impl Direction {
    fn of(range: &Range) -> Self {
        match (range.added.is_empty(), range.removed.is_empty()) {
            (true, true) => Self::Same,
            (false, true) => Self::Forward,
            (true, false) => Self::Backward,
            (false, false) => Self::Diverged,
        }
    }

    /// The word for it in answers to machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Diverged => "diverged",
        }
    }
}

/// What is new between two commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changelog {
    /// Where the reader comes from.
    pub from: End,
    /// Where the reader goes.
    pub to: End,
    /// How the two lie to each other.
    pub direction: Direction,
    /// What the reader gets.
    pub added: Side,
    /// What the reader loses.
    pub removed: Side,
    /// Where links lead, if anywhere.
    pub forge: Option<Forge>,
    /// What could not be found out.
    pub warnings: Vec<String>,
}

/// The commits that one end has and the other has not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Side {
    /// Those shown, section by section, newest first in each.
    pub shown: Vec<Entry>,
    /// All others, newest first.
    pub left_out: Vec<LeftOut>,
}

impl Side {
    /// How many commits there are: shown or not.
    pub fn count(&self) -> usize {
        self.shown.len() + self.left_out.len()
    }
}

impl Changelog {
    /// As Markdown, for what forges make of it.
    pub fn markdown(&self) -> String {
        markdown::render(&document::of(self))
    }

    /// As a page of HTML.
    pub fn html(&self) -> String {
        html::render(&document::of(self))
    }

    /// As text for people.
    pub fn text(&self) -> String {
        text::render(&document::of(self))
    }

    /// A page that compares both ends, where the forge has one.
    pub fn compare_link(&self) -> Option<String> {
        let forge = self.forge.as_ref()?;
        (self.direction != Direction::Same).then(|| forge.compare(&self.from.oid, &self.to.oid))
    }
}
