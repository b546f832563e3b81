//! Which version a commit gets, and why.

mod decide;
mod evidence;
mod outcome;
mod warn;

pub use decide::decide;
pub use evidence::{By, Evidence, Said};
pub use outcome::{Conflict, Judged, Outcome, Reason};

use ids::{Oid, ReleaseType};
use semver::Version;

use crate::bump::Level;
use crate::catalogue::{Catalogue, TagAt};
use crate::commit::Commit;
use crate::tag::Naming;

/// What stands before the dash of an alpha or a beta.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PreReleaseCore {
    /// The release that it comes after: `v2.4.12-alpha.3`. It sorts below that.
    #[default]
    Base,
    /// The release that would come next: `v2.5.0-alpha.3`.
    Next,
}

/// How fixes of what was released are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HotfixScheme {
    /// With a number behind the release: `v2.4.12-hotfix.1`. It sorts below that.
    #[default]
    Suffix,
    /// By the third number of the release: `v2.4.13`.
    Patch,
}

/// What can be chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// How tags are named.
    pub naming: Naming,
    /// See there.
    pub core: PreReleaseCore,
    /// See there.
    pub hotfix: HotfixScheme,
    /// What a breaking change moves as long as the first number is 0.
    pub major_on_zero: Option<Level>,
    /// The first release, where there is none before it.
    pub initial: Option<Version>,
}

/// What is known of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What is to be released.
    pub release_type: ReleaseType,
    /// The commit that is.
    pub head: Oid,
    /// Its tags.
    pub catalogue: Catalogue,
    /// Versions that others have taken and no tag here shows: tags of the remote, reservations.
    pub taken: Vec<Version>,
    /// The highest release that `head` has.
    pub base: Option<TagAt>,
    /// What `head` has and the base has not, newest first.
    pub commits: Vec<Commit>,
    /// Whether only some paths count, and those commits are left out that touch none of them.
    pub is_filtered: bool,
    /// How many commits there are since the base, whatever they touch.
    pub commits_since_base: u64,
    /// What the labels of the pull request say that brought `head`, and the label that does.
    pub label: Option<(String, Level)>,
    /// What the merged pull requests say that brought `commits`.
    pub said: Vec<Said>,
    /// The highest release that `head` has not, if it is higher than the base.
    pub unreachable_higher: Option<TagAt>,
    /// Whether the default branch has that one.
    pub base_behind: bool,
    /// Fixes of the base that `head` does not have.
    pub hotfixes_apart: Vec<String>,
}
