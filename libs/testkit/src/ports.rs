//! Ports that nobody listens on.

use std::net::{Ipv4Addr, TcpListener};

/// Where tests and local stacks listen; the process target has the ports below.
const RANGE: std::ops::Range<u16> = 30_000..32_700;

/// `count` different free ports on loopback.
pub fn free(count: usize) -> Vec<u16> {
    // Different processes begin at different places, so that they seldom try the same.
    let length = RANGE.end - RANGE.start;
    let seed = std::process::id().wrapping_mul(977) % u32::from(length);
    let begin = u16::try_from(seed).unwrap_or_default();
    let mut held: Vec<TcpListener> = Vec::new();
    for step in 0..length {
        if held.len() == count {
            break;
        }
        let port = RANGE.start + (begin + step) % length;
        held.extend(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    }
    held.iter()
        .filter_map(|it| it.local_addr().ok())
        .map(|it| it.port())
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn free_ports_are_different() {
        let mut ports = super::free(5);
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 5);
    }
}
