//! What is kept of a refused message: the reason and the original, without any token.

use async_nats::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use service::fault::Fault;
use service::time::rfc3339;

/// What a token begins with, and how many characters follow.
const TOKEN: (&str, usize) = ("tp_", 43);

/// A message that was refused.
#[derive(Debug)]
pub(crate) struct Refused<'a> {
    pub(crate) subject: &'a str,
    /// Of the stream that it came from.
    pub(crate) sequence: u64,
    /// When the broker took it, in microseconds since 1970.
    pub(crate) published_us: i64,
    /// When it was refused.
    pub(crate) now_us: i64,
    pub(crate) headers: Option<&'a HeaderMap>,
    pub(crate) body: &'a [u8],
}

impl Refused<'_> {
    /// The letter, as JSON: `body` as text, or `body_base64` when it is none.
    pub(crate) fn letter(&self, why: &Fault) -> Value {
        let secrets = self.secrets();
        let clean = |text: &str| without(text, &secrets);
        let mut letter = json!({
            "code": why.code,
            "message": clean(&why.message),
            "fix": clean(&why.fix),
            "subject": clean(self.subject),
            "sequence": self.sequence,
            "published_at": rfc3339(self.published_us),
            "refused_at": rfc3339(self.now_us),
            "headers": self.kept().map(|(name, value)| (name.to_owned(), clean(value).into())).collect::<serde_json::Map<_, _>>(),
        });
        if let Ok(text) = std::str::from_utf8(self.body) {
            letter["body"] = clean(text).into();
        } else {
            let bytes = clean_bytes(self.body, &secrets);
            letter["body_base64"] = STANDARD.encode(bytes).into();
        }
        letter
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.into_iter().flat_map(|it| {
            it.iter().flat_map(|(name, values)| {
                values
                    .iter()
                    .map(move |value| (name.as_ref(), value.as_str()))
            })
        })
    }

    /// Headers that are kept: all but the token's.
    fn kept(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs()
            .filter(|(name, _)| !name.eq_ignore_ascii_case(AUTHORIZATION))
    }

    /// What must not be seen again, wherever else in the message it stands.
    fn secrets(&self) -> Vec<String> {
        self.pairs()
            .filter(|(name, _)| name.eq_ignore_ascii_case(AUTHORIZATION))
            .filter_map(|(_, value)| value.split_whitespace().last())
            .filter(|it| it.len() >= 8)
            .map(str::to_owned)
            .collect()
    }
}

/// The header that holds the token.
pub(crate) const AUTHORIZATION: &str = "authorization";

fn without(text: &str, secrets: &[String]) -> String {
    let mut clean = text.to_owned();
    for secret in secrets {
        clean = clean.replace(secret, "…");
    }
    let mut out = String::with_capacity(clean.len());
    let mut rest = clean.as_str();
    while let Some(at) = rest.find(TOKEN.0) {
        let (before, found) = rest.split_at(at + TOKEN.0.len());
        out.push_str(before);
        let is_token = found
            .bytes()
            .take(TOKEN.1)
            .filter(|it| is_token_byte(*it))
            .count()
            == TOKEN.1;
        rest = if is_token {
            out.push('…');
            &found[TOKEN.1..]
        } else {
            found
        };
    }
    out.push_str(rest);
    out
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Bytes that are no text: a token in them is overwritten where it stands.
fn clean_bytes(bytes: &[u8], secrets: &[String]) -> Vec<u8> {
    let mut clean = bytes.to_vec();
    for at in 0..clean.len() {
        let here = clean.get(at..).unwrap_or_default();
        let known = secrets
            .iter()
            .find(|it| here.starts_with(it.as_bytes()))
            .map(String::len);
        let whole = TOKEN.0.len() + TOKEN.1;
        let looks = here.starts_with(TOKEN.0.as_bytes())
            && here
                .get(TOKEN.0.len()..whole)
                .is_some_and(|it| it.iter().all(|it| is_token_byte(*it)));
        if let Some(length) = known.or_else(|| looks.then_some(whole))
            && let Some(secret) = clean.get_mut(at..at + length)
        {
            secret.fill(b'*');
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use service::fault::Kind;

    use super::*;

    const SECRET: &str = "tp_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn letter(token: &str, body: &[u8]) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert("Authorization", format!("Bearer {token}").as_str());
        headers.insert("X-Run", format!("run of {token}").as_str());
        let refused = Refused {
            subject: "tp.in.build.api",
            sequence: 7,
            published_us: 0,
            now_us: 1_000_000,
            headers: Some(&headers),
            body,
        };
        refused.letter(&Fault::new(Kind::Invalid, "event-malformed", "no").fix("mend it"))
    }

    #[test]
    fn a_letter_says_why_and_keeps_the_original() {
        let found = letter(SECRET, b"{ not json");
        assert_eq!(found["code"], "event-malformed");
        assert_eq!(found["body"], "{ not json");
        assert_eq!(found["sequence"], 7);
        assert_eq!(found["headers"]["X-Run"], "run of …");
        assert!(found["headers"].get("Authorization").is_none());
    }

    #[test]
    fn no_token_is_kept_wherever_it_stands() {
        let other = "tp_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
        for token in [SECRET, "another-form-of-secret"] {
            for body in [
                format!("{{\"token\":\"{token}\"}}").into_bytes(),
                format!("tp_short {other}{token} {token}").into_bytes(),
                [b"\xff\xfe".as_slice(), token.as_bytes(), other.as_bytes()].concat(),
            ] {
                let mut found = letter(token, &body);
                if let Some(encoded) = found.get("body_base64").and_then(Value::as_str) {
                    let bytes = STANDARD.decode(encoded).unwrap();
                    assert_eq!(bytes.len(), body.len());
                    found["body"] = String::from_utf8_lossy(&bytes).into();
                }
                let text = found.to_string();
                assert!(!text.contains(token) && !text.contains(other), "{text}");
            }
        }
    }
}
