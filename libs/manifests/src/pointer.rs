//! A path into a document: JSON Pointer, RFC 6901.

use std::fmt;
use std::str::FromStr;

/// A checked pointer such as `/spec/version`; `~1` is a slash and `~0` a tilde (RFC 6901 §3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer {
    text: String,
    tokens: Vec<String>,
}

impl Pointer {
    /// Parses; the message says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut tokens = Vec::new();
        if !text.is_empty() {
            let rest = text.strip_prefix('/').ok_or_else(|| {
                format!(
                    "a pointer begins with `/`, such as `/image/tag`; this is `{}`",
                    crate::diagnostic::shown(text)
                )
            })?;
            for raw in rest.split('/') {
                tokens.push(unescape(raw)?);
            }
        }
        Ok(Self {
            text: text.to_owned(),
            tokens,
        })
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its steps, unescaped. None for the whole document.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The pointer one step deeper.
    #[must_use]
    pub fn join(&self, token: &str) -> Self {
        let mut it = self.clone();
        it.text.push('/');
        it.text
            .push_str(&token.replace('~', "~0").replace('/', "~1"));
        it.tokens.push(token.to_owned());
        it
    }
}

fn unescape(raw: &str) -> Result<String, String> {
    let mut token = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        match (c, c == '~') {
            (_, false) => token.push(c),
            (_, true) => match chars.next() {
                Some('0') => token.push('~'),
                Some('1') => token.push('/'),
                _ => {
                    return Err(format!(
                        "`~` in a pointer is written `~0` (and `/` is `~1`); this is in `{raw}`"
                    ));
                }
            },
        }
    }
    Ok(token)
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Pointer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6901 §5.
    #[test]
    fn reads_the_examples_of_the_rfc() {
        let tokens = |text: &str| Pointer::parse(text).unwrap().tokens().to_vec();
        assert!(tokens("").is_empty());
        assert_eq!(tokens("/foo/0"), ["foo", "0"]);
        assert_eq!(tokens("/"), [""]);
        assert_eq!(tokens("/a~1b"), ["a/b"]);
        assert_eq!(tokens("/m~0n"), ["m~n"]);
        assert_eq!(tokens("/~01"), ["~1"]);
        assert_eq!(tokens("/ "), [" "]);
        for wrong in ["foo", "/~", "/~2", "/a~"] {
            assert!(Pointer::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn joining_escapes() {
        let it = Pointer::parse("/a").unwrap().join("b/c~d");
        assert_eq!(it.as_str(), "/a/b~1c~0d");
        assert_eq!(Pointer::parse(it.as_str()).unwrap(), it);
    }
}
