//! What is new in an environment by a bundle of applications.

use super::document::{self, Block};
use super::{Changelog, Direction, html, markdown, text};

/// Several applications that go to an environment as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// What it is called.
    pub name: String,
    /// Where it goes.
    pub environment: String,
    /// What has to be said of all of it.
    pub remarks: Vec<String>,
    /// Its applications, in the order in which they are told.
    pub parts: Vec<Part>,
}

/// One application of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The application.
    pub application: String,
    /// What runs without the bundle; nothing when nothing does.
    pub from: Option<String>,
    /// What the bundle brings.
    pub to: String,
    /// What has to be said of it.
    pub remarks: Vec<String>,
    /// What that changes.
    pub standing: Standing,
}

/// What a bundle changes about an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// These commits.
    Known(Box<Changelog>),
    /// The bundle brings the commit that runs without it.
    Unchanged,
    /// It is being found out; what it waits for.
    Pending(String),
    /// Nobody can say, and why.
    Unknown(String),
}

impl Standing {
    /// The word for it in answers to machines.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Known(it) if it.from.is_none() => "new",
            Self::Known(it) => match it.direction {
                Direction::Same => "unchanged",
                Direction::Forward => "forward",
                Direction::Backward => "backward",
                Direction::Diverged => "diverged",
            },
            Self::Unchanged => "unchanged",
            Self::Pending(_) => "pending",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl Bundle {
    /// As Markdown, for what forges make of it.
    pub fn markdown(&self) -> String {
        markdown::render(&self.laid_out())
    }

    /// As a page of HTML.
    pub fn html(&self) -> String {
        html::render(&self.laid_out())
    }

    /// As text for people.
    pub fn text(&self) -> String {
        text::render(&self.laid_out())
    }

    fn laid_out(&self) -> Vec<Block<'_>> {
        document::bundle::of(self)
    }
}
