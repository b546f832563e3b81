//! What kind of version a build carries.

use std::fmt;
use std::str::FromStr;

use crate::Invalid;

/// How a version came to be; it decides which track a build enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReleaseType {
    /// A full version from the primary branch.
    Latest,
    /// A pre-release from the integration branch.
    Alpha,
    /// A pre-release from a stabilisation branch.
    Beta,
    /// A fix of something already released.
    Hotfix,
    /// Nothing that may be deployed.
    None,
}

impl ReleaseType {
    /// All of them, in the order they are documented.
    pub const ALL: [Self; 5] = [
        Self::Latest,
        Self::Alpha,
        Self::Beta,
        Self::Hotfix,
        Self::None,
    ];

    /// The word used in manifests and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "LATEST",
            Self::Alpha => "ALPHA",
            Self::Beta => "BETA",
            Self::Hotfix => "HOTFIX",
            Self::None => "NONE",
        }
    }
}

impl fmt::Display for ReleaseType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ReleaseType {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or_else(|| {
                Invalid::new(
                    "release type",
                    "must be LATEST, ALPHA, BETA, HOTFIX or NONE",
                    text,
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back() {
        for it in ReleaseType::ALL {
            assert_eq!(it.as_str().parse::<ReleaseType>().unwrap(), it);
        }
        assert!("latest".parse::<ReleaseType>().is_err());
    }
}
