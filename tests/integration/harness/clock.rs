//! The clock on the wall, for comparing with times that the server recorded.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since 1970-01-01 UTC.
#[expect(
    clippy::disallowed_methods,
    reason = "the server under test reads the same clock; nothing is derived from it"
)]
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is after 1970");
    i64::try_from(since.as_micros()).expect("it is before 292277")
}
