//! How often one branch may be pushed to.

use std::time::Duration;

use tokio::time::Instant;

/// A token bucket: a push takes a token, and takes everything that is queued with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many pushes may follow each other at once. `None` sets no limit.
    pub capacity: Option<u32>,
    /// How long it takes until one more push is allowed.
    pub refill: Duration,
}

impl Limits {
    /// No limit: for a remote on this machine.
    pub fn unlimited() -> Self {
        Self {
            capacity: None,
            refill: Duration::ZERO,
        }
    }

    /// What GitHub recommends, at most six pushes a minute to one repository, with room for
    /// three at once.
    /// <https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits>
    pub fn github() -> Self {
        Self {
            capacity: Some(3),
            refill: Duration::from_secs(10),
        }
    }
}

/// The bucket of one branch.
#[derive(Debug)]
pub(crate) struct Bucket {
    limits: Limits,
    tokens: u32,
    /// Since when the next token has been filling.
    since: Instant,
}

impl Bucket {
    pub(crate) fn new(limits: Limits, now: Instant) -> Self {
        Self {
            limits,
            tokens: limits.capacity.unwrap_or(0).max(1),
            since: now,
        }
    }

    /// Returns a token: nothing was pushed after all.
    pub(crate) fn give_back(&mut self) {
        let capacity = self.limits.capacity.unwrap_or(1).max(1);
        self.tokens = (self.tokens + 1).min(capacity);
    }

    /// Takes a token, or says when to ask again.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let Some(capacity) = self.limits.capacity else {
            return Ok(());
        };
        let capacity = capacity.max(1);
        while self.tokens < capacity && now >= self.since + self.limits.refill {
            self.tokens += 1;
            self.since += self.limits.refill;
            if self.limits.refill.is_zero() {
                self.tokens = capacity;
            }
        }
        if self.tokens == 0 {
            return Err(self.since + self.limits.refill);
        }
        if self.tokens == capacity {
            self.since = now;
        }
        self.tokens -= 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_pushes_at_once_then_one_every_ten_seconds() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Limits::github(), start);
        for _ in 0..3 {
            assert_eq!(bucket.take(start), Ok(()));
        }
        let second = Duration::from_secs(1);
        assert_eq!(bucket.take(start + second), Err(start + second * 10));
        bucket.give_back();
        assert_eq!(bucket.take(start + second), Ok(()));
        assert_eq!(bucket.take(start + second * 10), Ok(()));
        assert_eq!(bucket.take(start + second * 19), Err(start + second * 20));
        // A long rest fills the bucket and not more.
        let later = start + second * 1000;
        for _ in 0..3 {
            assert_eq!(bucket.take(later), Ok(()));
        }
        assert!(bucket.take(later).is_err());
    }

    #[test]
    fn no_limit_is_no_limit() {
        let now = Instant::now();
        let mut bucket = Bucket::new(Limits::unlimited(), now);
        assert!((0..1000).all(|_| bucket.take(now).is_ok()));
    }
}
