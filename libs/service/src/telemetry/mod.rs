//! Tracing to standard error: text for people, JSON lines with `TOWPATH_LOG_FORMAT=json`.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// Starts telemetry for this process; a second call changes nothing. `filter` is a
/// `tracing` directive list such as `info,git=debug`.
pub fn start(filter: &str, json: bool) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let started = if json {
        builder.json().try_init()
    } else {
        builder.with_target(false).try_init()
    };
    // Somebody else's subscriber is in place, as in tests: theirs stays.
    drop(started);
}
