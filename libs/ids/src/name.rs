//! Names of manifests, environments, applications, people.

use crate::Invalid;
use crate::text::is_text;

/// 1–63 characters of `a-z`, `0-9`, `-`, `_` and `.`, beginning and ending with a letter or
/// digit: the label rule of RFC 1123 plus what real manifests use. Safe in paths, URLs, branch
/// names and shell words.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

is_text!(Name);

impl Name {
    /// Parses; never changes case.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let end = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
        let bytes = text.as_bytes();
        let ok = bytes.len() <= 63
            && end(bytes.first().copied())
            && end(bytes.last().copied())
            && bytes.iter().all(|b| inner(*b))
            && !text.contains("..");
        if ok {
            Ok(Self(text.to_owned()))
        } else {
            let why = "must be 1-63 characters of a-z, 0-9, `-`, `_`, `.`, with a letter or digit at both ends";
            Err(Invalid::new("name", why, text))
        }
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
    fn names_are_safe_everywhere() {
        for good in ["a", "dev", "island-venues-apj", "v1.2_x"] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "-a",
            "a-",
            "A",
            "a b",
            "a/b",
            "a..b",
            "../a",
            "a\n",
            "ü",
            &"a".repeat(64),
        ] {
            assert!(Name::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
