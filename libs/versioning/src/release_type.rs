//! What a branch releases.

use std::fmt;
use std::str::FromStr;

/// What kind of version a build of a branch gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReleaseType {
    /// A release: `v2.5.0`.
    Latest,
    /// A pre-release of what is being integrated: `v2.4.12-alpha.3`.
    Alpha,
    /// A pre-release of what is being stabilised: `v2.4.12-beta.0`.
    Beta,
    /// A fix of something that was released: `v2.4.12-hotfix.1`.
    Hotfix,
    /// Nothing.
    None,
}

impl ReleaseType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Latest,
        Self::Alpha,
        Self::Beta,
        Self::Hotfix,
        Self::None,
    ];

    /// As it is written in answers and build reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Latest => "LATEST",
            Self::Alpha => "ALPHA",
            Self::Beta => "BETA",
            Self::Hotfix => "HOTFIX",
            Self::None => "NONE",
        }
    }

    /// What stands behind the dash of its versions; nothing where there is no dash.
    pub fn channel(self) -> Option<&'static str> {
        match self {
            Self::Alpha => Some("alpha"),
            Self::Beta => Some("beta"),
            Self::Hotfix => Some("hotfix"),
            Self::Latest | Self::None => None,
        }
    }

    /// The number of the first of its versions on one core: fixes are counted, the others numbered.
    pub fn first(self) -> u64 {
        u64::from(self == Self::Hotfix)
    }
}

impl fmt::Display for ReleaseType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for ReleaseType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL
            .into_iter()
            .find(|it| it.word().eq_ignore_ascii_case(text));
        found.ok_or_else(|| format!("`{text}` is none of latest, alpha, beta, hotfix and none"))
    }
}

/// How a repository is branched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Everything is released from `main`.
    GithubFlow,
    /// `develop` is integrated, `release/*/*` stabilised, `main` released, `hotfix/*` mended.
    GitFlow,
    /// Everything is released from `main`; `release/*/*` maintains what was.
    TrunkBased,
}

impl Strategy {
    /// All of them, with the names that manifests use.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::GithubFlow, "GITHUB_FLOW"),
        (Self::GitFlow, "GIT_FLOW"),
        (Self::TrunkBased, "TRUNK_BASED"),
    ];

    /// Patterns of branches and what they release. `*` is one part of a name between slashes.
    fn patterns(self) -> &'static [(&'static str, ReleaseType)] {
        match self {
            Self::GithubFlow => &[
                ("main", ReleaseType::Latest),
                ("master", ReleaseType::Latest),
            ],
            Self::GitFlow => &[
                ("main", ReleaseType::Latest),
                ("master", ReleaseType::Latest),
                ("develop", ReleaseType::Alpha),
                ("release/*/*", ReleaseType::Beta),
                ("hotfix/*", ReleaseType::Hotfix),
            ],
            Self::TrunkBased => &[
                ("main", ReleaseType::Latest),
                ("master", ReleaseType::Latest),
                ("release/*/*", ReleaseType::Hotfix),
            ],
        }
    }

    /// What a branch releases; one that no pattern names releases nothing.
    pub fn release_type(self, branch: &str) -> ReleaseType {
        let branch = branch.strip_prefix("refs/heads/").unwrap_or(branch);
        let found = self.patterns().iter().find(|it| matches(it.0, branch));
        found.map_or(ReleaseType::None, |it| it.1)
    }
}

impl FromStr for Strategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.replace('-', "_");
        let found = Self::ALL.iter().find(|it| it.1.eq_ignore_ascii_case(&text));
        found
            .map(|it| it.0)
            .ok_or_else(|| format!("`{text}` is none of github_flow, git_flow and trunk_based"))
    }
}

fn matches(pattern: &str, branch: &str) -> bool {
    let (mut pattern, mut branch) = (pattern.split('/'), branch.split('/'));
    loop {
        match (pattern.next(), branch.next()) {
            (None, None) => return true,
            (Some("*"), Some(part)) if !part.is_empty() => {}
            (Some(expected), Some(part)) if expected == part => {}
            (Some(_) | None, Some(_) | None) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_releases_what_the_strategy_says() {
        use ReleaseType::{Alpha, Beta, Hotfix, Latest, None};
        for (branch, github, git, trunk) in [
            ("main", Latest, Latest, Latest),
            ("master", Latest, Latest, Latest),
            ("refs/heads/main", Latest, Latest, Latest),
            ("develop", None, Alpha, None),
            ("release/shop/v2", None, Beta, Hotfix),
            ("release/v2", None, None, None),
            ("release/a/b/c", None, None, None),
            ("release//x", None, None, None),
            ("hotfix/login", None, Hotfix, None),
            ("hotfix/", None, None, None),
            ("feat/main", None, None, None),
            ("", None, None, None),
        ] {
            let found = Strategy::ALL.map(|it| it.0.release_type(branch));
            assert_eq!(found, [github, git, trunk], "{branch}");
        }
    }

    #[test]
    fn words_are_read_in_any_case() {
        assert_eq!("hotfix".parse(), Ok(ReleaseType::Hotfix));
        assert_eq!("NONE".parse(), Ok(ReleaseType::None));
        assert!("release".parse::<ReleaseType>().is_err());
        assert_eq!("git-flow".parse(), Ok(Strategy::GitFlow));
        assert!("gitlab".parse::<Strategy>().is_err());
    }
}
