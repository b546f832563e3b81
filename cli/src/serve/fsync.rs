//! How long this disk takes to make a write durable: measured, not assumed.

use std::io::Write as _;
use std::path::Path;

/// Median of several small synced appends in `dir`, in microseconds; 0 when it cannot be
/// measured.
#[expect(
    clippy::disallowed_methods,
    reason = "a measurement of elapsed time, never a decision"
)]
pub(super) fn median_us(dir: &Path) -> u64 {
    let Ok(mut file) = tempfile::tempfile_in(dir) else {
        return 0;
    };
    let mut took = Vec::new();
    for _ in 0..9 {
        let begin = std::time::Instant::now();
        if file
            .write_all(&[0; 512])
            .and_then(|()| file.sync_data())
            .is_err()
        {
            return 0;
        }
        took.push(u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    took.sort_unstable();
    took[took.len() / 2]
}
