//! Many times of the same thing, and what can be said about them.

use std::time::Duration;

use tokio::time::Instant;

/// Times in the order they were taken.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    /// Adds the time since `began`.
    pub(crate) fn since(&mut self, began: Instant) {
        self.0.push(began.elapsed());
    }

    /// Adds a time.
    pub(crate) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Adds all of others.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// The smallest time that this part of all times does not exceed, in milliseconds.
    pub(crate) fn percentile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "samples are few, and the part is between 0 and 1"
        )]
        let rank = (part * sorted.len() as f64).ceil() as usize;
        sorted
            .get(rank.saturating_sub(1))
            .map_or(f64::NAN, |it| it.as_secs_f64() * 1000.0)
    }

    /// The median, in milliseconds.
    pub(crate) fn p50(&self) -> f64 {
        self.percentile(0.5)
    }

    /// What one in a hundred exceeds, in milliseconds.
    pub(crate) fn p99(&self) -> f64 {
        self.percentile(0.99)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// How many of something happened per second since `began`.
pub(crate) fn rate(count: usize, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
    let count = count as f64;
    count / took.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_taken() {
        let samples = Samples((1..=100).rev().map(Duration::from_millis).collect());
        assert!((samples.p50() - 50.0).abs() < 1e-9);
        assert!((samples.p99() - 99.0).abs() < 1e-9);
        assert!((samples.percentile(1.0) - 100.0).abs() < 1e-9);
        assert!(Samples::default().p50().is_nan());
    }
}
