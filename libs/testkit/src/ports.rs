//! Ports that nobody listens on.

use std::net::{Ipv4Addr, SocketAddr};

use rustix::net::{AddressFamily, SocketType, bind, socket, sockopt};

/// Where tests and local stacks listen; the process target has the ports below.
const RANGE: std::ops::Range<u16> = 30_000..32_700;

/// `count` different free ports on loopback.
pub fn free(count: usize) -> Vec<u16> {
    // Different processes begin at different places, so that they seldom try the same.
    let length = RANGE.end - RANGE.start;
    let seed = std::process::id().wrapping_mul(977) % u32::from(length);
    let begin = u16::try_from(seed).unwrap_or_default();
    (0..length)
        .map(|step| RANGE.start + (begin + step) % length)
        .filter(|port| is_free(*port))
        .take(count)
        .collect()
}

/// Whether nobody listens there. Does not listen itself: another test may ask for a port while
/// the server that it was given to begins to listen, which must not fail then.
pub fn is_free(port: u16) -> bool {
    let bound = || {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        // Sockets that do not listen let others bind if both say this, as servers do.
        sockopt::set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    bound().is_ok()
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

    #[test]
    fn a_port_where_somebody_listens_is_not_free() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!super::is_free(port));
        drop(listener);
        assert!(super::is_free(port));
    }
}
