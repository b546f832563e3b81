//! A token: shown once, stored nowhere, never in a log.

use std::fmt;

/// `tp_` and 43 characters of base64url: 256 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Token {
    /// The token made of these random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        let mut text = String::from("tp_");
        for chunk in bytes.chunks(3) {
            let word = chunk
                .iter()
                .fold(0u32, |word, byte| (word << 8) | u32::from(*byte))
                << (8 * (3 - chunk.len()));
            for n in 0..=chunk.len() {
                let index = (word >> (18 - 6 * n)) & 63;
                text.push(char::from(ALPHABET[index as usize]));
            }
        }
        Self(text)
    }

    /// The secret itself. Only for showing it once and for sending it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_hold_all_their_bits_and_do_not_show_themselves() {
        let token = Token::from_random([0xff; 32]);
        assert_eq!(token.reveal().len(), 46);
        assert_eq!(
            Token::from_random([0; 32]).reveal(),
            format!("tp_{}", "A".repeat(43))
        );
        assert_ne!(Token::from_random([1; 32]), token);
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
