//! What comes out.

use ids::{Oid, ReleaseType};

use super::Evidence;
use crate::bump::Level;
use crate::catalogue::TagAt;

/// Which version a commit gets, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The tag of the version; nothing where nothing is released.
    pub target_version: Option<String>,
    /// Whether there is nothing to build.
    pub skip: bool,
    /// Why there is, or is not.
    pub reason: Reason,
    /// What is released.
    pub release_type: ReleaseType,
    /// The highest release before; nothing where there is none.
    pub base: Option<TagAt>,
    /// How far the version is from that.
    pub level: Option<Level>,
    /// The number behind the channel.
    pub counter: Option<u64>,
    /// How many commits there are since the base.
    pub commits_since_base: u64,
    /// What each of them says, newest first; labels come before.
    pub evidence: Vec<Judged>,
    /// What is unusual, each beginning with a stable word and a colon.
    pub warnings: Vec<String>,
    /// How many tags are no versions.
    pub ignored_tags: u64,
}

/// Evidence, and what it decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What it says.
    pub evidence: Evidence,
    /// Whether nothing says more.
    pub decisive: bool,
    /// For what is decisive: the version without it. Nothing where there would be none.
    pub without: Option<String>,
}

/// Why a version is as it is, or why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is the next one.
    Next,
    /// The branch releases nothing.
    NoReleaseType,
    /// The commit is a release.
    AlreadyReleased,
    /// The commit has a version of this channel.
    AlreadyTagged,
    /// Nothing that counts has changed since the base.
    NothingChanged,
}

impl Reason {
    /// As it is written in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::NoReleaseType => "no_release_type",
            Self::AlreadyReleased => "already_released",
            Self::AlreadyTagged => "already_tagged",
            Self::NothingChanged => "nothing_changed",
        }
    }
}

/// The version is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the next version, `{tag}`, is taken{}: nothing is skipped or counted up by itself, since \
     one of two builds would be lost", at.as_ref().map_or(String::new(), |it| format!(" by commit {it}"))
)]
pub struct Conflict {
    /// The version's tag.
    pub tag: String,
    /// The commit that has it, where that is known here.
    pub at: Option<Oid>,
}
