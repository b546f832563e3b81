//! The name of a git object.

use crate::Invalid;
use crate::text::is_text;

/// 40 (SHA-1) or 64 (SHA-256) lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(String);

is_text!(Oid);

impl Oid {
    /// Parses a full object name; abbreviations are refused.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let hex = text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if hex && (text.len() == 40 || text.len() == 64) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "git object name",
                "must be 40 or 64 lower-case hex digits",
                text,
            ))
        }
    }

    /// The hex text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_names_are_oids() {
        assert!(Oid::parse(&"a".repeat(40)).is_ok());
        for wrong in ["", "abc", &"A".repeat(40), &"a".repeat(39), &"g".repeat(40)] {
            assert!(Oid::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
