//! A version as it stands in a manifest and as an image tag.

use crate::Invalid;
use crate::text::is_text;

/// A tag of the OCI distribution spec: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`, without `..`.
///
/// Deliberately not `SemVer`: real installations deploy commit hashes. Order between versions is
/// never read from their text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(String);

is_text!(Version);

impl Version {
    /// Parses; the text is kept as it came.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = |why: &str| Invalid::new("version", why, text);
        if text.is_empty() || text.len() > 128 {
            return Err(wrong("must have 1-128 characters"));
        }
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if !text.bytes().all(|b| word(b) || b == b'.' || b == b'-') {
            return Err(wrong(
                "may hold only letters, digits, `_`, `.` and `-` (it becomes an image tag)",
            ));
        }
        if !word(text.as_bytes()[0]) || text.contains("..") {
            return Err(wrong(
                "must begin with a letter, digit or `_` and may not hold `..`",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_versions_are_refused() {
        for good in [
            "v1.2.3",
            "0.1.0",
            "v2.4.13-alpha.3",
            &"a".repeat(40),
            "infra-2026.11-rc.0",
        ] {
            assert!(Version::parse(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "v1\n",
            "$(id)",
            "../x",
            "a..b",
            &"1".repeat(300),
            "a b",
            "-v1",
            ".x",
            "v1+b",
            "ü",
        ] {
            assert!(Version::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
