//! The digest of an image or of other content.

use crate::Invalid;
use crate::text::is_text;

/// `sha256:` and 64 lower-case hex digits
/// (OCI image-spec, descriptor.md, "Registered algorithms").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

is_text!(Digest);

impl Digest {
    /// Parses the text form; nothing else is accepted, upper-case hex included.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let wrong = |why: String| Invalid::new("digest", why, text);
        let hex = text
            .strip_prefix("sha256:")
            .ok_or_else(|| wrong("must begin with `sha256:`".into()))?;
        if hex.len() != 64 {
            return Err(wrong(format!(
                "must have 64 hex digits after `sha256:`, not {}",
                hex.len()
            )));
        }
        if !hex
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        {
            return Err(wrong("must be lower-case hex after `sha256:`".into()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The digest with these 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        use std::fmt::Write as _;
        let mut text = String::from("sha256:");
        for byte in bytes {
            // Writing to a String cannot fail.
            let _ok = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The digest of some content.
    pub fn of(content: &[u8]) -> Self {
        use sha2::Digest as _;
        Self::from_bytes(sha2::Sha256::digest(content).into())
    }

    /// With the algorithm: `sha256:…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 64 digits alone.
    pub fn hex(&self) -> &str {
        &self.0["sha256:".len()..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_lower_case_sha256_is_a_digest() {
        let good = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(Digest::parse(&good).unwrap().as_str(), good);
        for wrong in [
            "",
            "sha256:",
            &good[..good.len() - 1],
            &good.to_uppercase(),
            &format!("{good}0"),
            &good.replace("sha256", "sha512"),
            &format!("{good}\n"),
        ] {
            assert!(Digest::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(Digest::of(b"").hex().starts_with("e3b0c442"));
    }
}
