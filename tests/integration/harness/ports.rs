//! Ports that nobody listens on.

use std::sync::atomic::{AtomicU16, Ordering};

/// A port that is free now and not handed out twice by one test process: above those that the
/// process target takes for itself, below those that the system gives to outgoing connections.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 30_000;
    const COUNT: u16 = 2_700;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests are processes of their own: each begins somewhere else.
    let begin = u16::try_from(std::process::id().wrapping_mul(211) % u32::from(COUNT)).unwrap();
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(step < COUNT, "no port is free");
        let port = FIRST + (begin + step) % COUNT;
        if testkit::ports::is_free(port) {
            return port;
        }
    }
}
