//! Whether a webhook comes from whom it says: a code over its very bytes, before any of them is
//! looked into. <https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries>

use ring::hmac;

use crate::config::Secret;

/// How the header begins; other algorithms are none.
const ALGORITHM: &str = "sha256=";

/// Whether one of the secrets made this header for this body. Takes the same time wherever they
/// differ.
pub(crate) fn holds(secrets: &[Secret], header: &str, body: &[u8]) -> bool {
    let Some(code) = header.strip_prefix(ALGORITHM).and_then(from_hex) else {
        return false;
    };
    secrets.iter().any(|it| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, it.expose().as_bytes());
        hmac::verify(&key, body, &code).is_ok()
    })
}

/// Exactly 64 hex digits.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut code = [0; 32];
    for (byte, pair) in code.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = [pair[0], pair[1]].map(|it| char::from(it).to_digit(16));
        *byte = u8::try_from(high? * 16 + low?).ok()?;
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// GitHub's own example.
    const HEADER: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    const BODY: &[u8] = b"Hello, World!";

    fn secrets(all: &[&str]) -> Vec<Secret> {
        all.iter().map(|it| Secret::of(it)).collect()
    }

    #[test]
    fn the_published_example_holds_with_either_of_two_secrets() {
        let right = "It's a Secret to Everybody";
        assert!(holds(&secrets(&[right]), HEADER, BODY));
        assert!(holds(&secrets(&["another", right]), HEADER, BODY));
        assert!(holds(
            &secrets(&[right]),
            &HEADER.replace('a', "A").replacen("shA", "sha", 1),
            BODY
        ));
        assert!(!holds(&secrets(&["another"]), HEADER, BODY));
        assert!(!holds(&[], HEADER, BODY));
    }

    #[test]
    fn another_byte_length_or_algorithm_does_not() {
        let secrets = secrets(&["It's a Secret to Everybody"]);
        assert!(!holds(&secrets, HEADER, b"Hello, World?"));
        assert!(!holds(&secrets, HEADER, b"Hello, World!\n"));
        for header in [
            "",
            "sha256=",
            &HEADER[7..],
            &HEADER[..HEADER.len() - 1],
            &format!("{HEADER}0"),
            &HEADER.replace("sha256", "sha1"),
            &HEADER.replace('7', "+"),
            &HEADER.replace("17", "é"),
        ] {
            assert!(!holds(&secrets, header, BODY), "{header}");
        }
    }
}
