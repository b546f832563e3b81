//! What stands behind the dash of a version.

use ids::ReleaseType;
use semver::Version;

/// The word behind the dash; nothing where there is no dash.
pub fn name(of: ReleaseType) -> Option<&'static str> {
    match of {
        ReleaseType::Alpha => Some("alpha"),
        ReleaseType::Beta => Some("beta"),
        ReleaseType::Hotfix => Some("hotfix"),
        ReleaseType::Latest | ReleaseType::None => None,
    }
}

/// The number of the first version on one core: fixes are counted, the others numbered.
pub fn first(of: ReleaseType) -> u64 {
    u64::from(of == ReleaseType::Hotfix)
}

/// The number of a version of a channel, such as 3 of `2.4.12-alpha.3`; nothing of others.
pub fn number(version: &Version, channel: &str) -> Option<u64> {
    let number = version.pre.strip_prefix(channel)?.strip_prefix('.')?;
    number.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_one_channel() {
        let read = |text: &str| number(&Version::parse(text).unwrap(), "alpha");
        assert_eq!(read("1.0.0-alpha.10"), Some(10));
        for other in [
            "1.0.0",
            "1.0.0-alpha",
            "1.0.0-alphas.1",
            "1.0.0-alpha.1.2",
            "1.0.0-beta.1",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
