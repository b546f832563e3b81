//! What is new between two commits: what one has and the other has not, sorted for readers.
//!
//! Every commit is either shown or named as left out, with the reason. A changelog that is
//! silently short is worth less than `git log`.

mod bound;
mod bundle;
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
mod union;
mod untold;
mod visible;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests;

use ids::Oid;

pub use crate::commit::{Commit, Person};
pub use bundle::{Bundle, Part, Standing};
pub use draft::{Candidates, Changes, Draft};
pub use entry::Entry;
pub use forge::Forge;
pub use left_out::{LeftOut, Reason};
pub use note::Note;
pub use section::Section;
pub use union::{Shared, Union, UnionSide};
pub use untold::Untold;
pub use visible::is_unseen;

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
pub struct Range<C = Commit> {
    /// Where the reader comes from; with nothing there, all of `to` is added.
    pub from: Option<End>,
    /// Where the reader goes.
    pub to: End,
    /// What `to` has and `from` has not, newest first.
    pub added: Vec<C>,
    /// What `from` has and `to` has not, newest first.
    pub removed: Vec<C>,
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
    fn of<C>(range: &Range<C>) -> Self {
        Self::between(range.added.is_empty(), range.removed.is_empty())
    }

    /// Of two commits, when nothing is added or nothing is removed between them.
    pub fn between(nothing_added: bool, nothing_removed: bool) -> Self {
        match (nothing_added, nothing_removed) {
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
    /// Where the reader comes from, unless there was nothing.
    pub from: Option<End>,
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
    /// Those that are only counted, where a list is bounded.
    pub untold: Untold,
}

impl Side {
    /// How many commits there are: shown or not, told or only counted.
    pub fn count(&self) -> u64 {
        (self.shown.len() + self.left_out.len()) as u64 + self.untold.count()
    }

    /// How many commits of a section there are, told or only counted.
    pub fn count_in(&self, section: Section) -> u64 {
        let told = self.shown.iter().filter(|it| it.section == section);
        told.count() as u64 + self.untold.of(section)
    }
}

impl Changelog {
    /// The same with at most so many commits of each side told, and of those no more than fit into
    /// so many bytes. What breaks something is told before everything else and whatever its
    /// number, then what is shown, newest first, then what is left out; the others are counted.
    #[must_use]
    pub fn bounded(mut self, commits: usize, bytes: usize) -> Self {
        for side in [&mut self.added, &mut self.removed] {
            bound::side(side, commits, bytes);
        }
        self
    }

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
        let from = self.from.as_ref()?;
        (self.direction != Direction::Same).then(|| forge.compare(&from.oid, &self.to.oid))
    }
}
