//! How far the next version is from the one before.

use semver::{BuildMetadata, Prerelease, Version};

/// How much of a version a change moves; what moves more is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The third number.
    Patch,
    /// The second number.
    Minor,
    /// The first number.
    Major,
}

impl Level {
    /// The next release after a version. Build metadata falls away, and so does what makes it a
    /// pre-release: one that already stands before the release that would be next, as `2.0.0-rc.1`
    /// before a major one, is followed by just that.
    ///
    /// A number that cannot be counted up stays; [`Naming::read`](crate::tag::Naming::read) lets
    /// none in.
    pub fn bump(self, version: &Version) -> Version {
        let Version {
            major,
            minor,
            patch,
            ..
        } = *version;
        let pre = !version.pre.is_empty();
        let after =
            |number: u64, reached: bool| number.saturating_add(u64::from(!(pre && reached)));
        let (major, minor, patch) = match self {
            Self::Major => (after(major, minor == 0 && patch == 0), 0, 0),
            Self::Minor => (major, after(minor, patch == 0), 0),
            Self::Patch => (major, minor, after(patch, true)),
        };
        Version {
            major,
            minor,
            patch,
            pre: Prerelease::EMPTY,
            build: BuildMetadata::EMPTY,
        }
    }

    /// As it is written in labels and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_moves_its_number_and_resets_those_behind() {
        for (from, level, to) in [
            ("2.4.12", Level::Patch, "2.4.13"),
            ("2.4.12", Level::Minor, "2.5.0"),
            ("2.4.12", Level::Major, "3.0.0"),
            ("0.26.2", Level::Major, "1.0.0"),
            ("0.0.0", Level::Patch, "0.0.1"),
            ("1.2.3+build.5", Level::Patch, "1.2.4"),
            ("1.9.9", Level::Minor, "1.10.0"),
        ] {
            let from = Version::parse(from).unwrap();
            assert_eq!(level.bump(&from).to_string(), to, "{from} {level:?}");
        }
    }

    #[test]
    fn a_prerelease_is_followed_by_the_release_it_prepares() {
        for (from, level, to) in [
            ("2.4.13-alpha.3", Level::Patch, "2.4.13"),
            ("2.4.13-alpha.3", Level::Minor, "2.5.0"),
            ("2.5.0-alpha.3", Level::Minor, "2.5.0"),
            ("2.5.0-alpha.3", Level::Major, "3.0.0"),
            ("3.0.0-rc.1+x", Level::Major, "3.0.0"),
        ] {
            let from = Version::parse(from).unwrap();
            assert_eq!(level.bump(&from).to_string(), to, "{from} {level:?}");
        }
    }

    #[test]
    fn what_moves_more_is_greater() {
        assert!(Level::Major > Level::Minor && Level::Minor > Level::Patch);
    }
}
