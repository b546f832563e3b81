//! How a repository is branched, and what its branches release.

use std::str::FromStr;

use ids::ReleaseType;

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
        assert_eq!("git-flow".parse(), Ok(Strategy::GitFlow));
        assert!("gitlab".parse::<Strategy>().is_err());
    }
}
