//! Randomness as a parameter. The only place that asks the operating system for it.

use ids::Uuid;

/// Where random bytes come from.
pub trait Entropy: Send + Sync + 'static {
    /// 32 bytes that nobody can guess.
    fn secret(&self) -> [u8; 32];

    /// A `UUIDv7` at `now_us`: sorts by time, never repeats.
    fn id(&self, now_us: i64) -> Uuid {
        let secret = self.secret();
        let mut random = [0; 10];
        random.copy_from_slice(&secret[..10]);
        let millis = u64::try_from(now_us / 1000).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// The operating system's random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the source that everything else takes"
    )]
    fn secret(&self) -> [u8; 32] {
        rand::random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let (a, b) = (SystemEntropy.id(1_000_000), SystemEntropy.id(2_000_000));
        assert!(a < b);
        assert_eq!(a.get_version_num(), 7);
    }
}
