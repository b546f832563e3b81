//! Choosing ports on 127.0.0.1, below the range from which the system takes the ports of
//! outgoing connections (`ip_local_port_range`, from 32768), so that none of those takes a
//! port away between choosing and listening.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use ids::Uuid;
use rustix::net::{AddressFamily, SocketType, bind, socket, sockopt};

/// Where processes are told to listen.
const PRIVATE: Range<u16> = 10_000..20_000;
/// Where slots are reached.
pub(super) const PUBLIC: Range<u16> = 20_000..30_000;

/// The ports given to processes that may not listen yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Ports {
    taken: Arc<Mutex<BTreeSet<u16>>>,
}

/// A port that is given to nobody else until this is dropped.
#[derive(Debug)]
pub(super) struct Port {
    number: u16,
    ports: Ports,
}

impl Port {
    pub(super) fn number(&self) -> u16 {
        self.number
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.ports.lock().remove(&self.number);
    }
}

impl Ports {
    /// A port where nobody listens; which one is tried first depends on `seed` and `attempt`.
    pub(super) fn pick(&self, seed: Uuid, attempt: u16) -> Option<Port> {
        candidates(PRIVATE, seed, attempt).find_map(|number| {
            let port = self.hold(number)?;
            is_free(number).then_some(port)
        })
    }

    /// Holds the port of a process that was taken over.
    pub(super) fn hold(&self, number: u16) -> Option<Port> {
        self.lock().insert(number).then(|| Port {
            number,
            ports: self.clone(),
        })
    }

    /// The ports that are given away.
    pub(super) fn taken(&self) -> BTreeSet<u16> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<u16>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All ports of the range, from one that `seed` decides.
pub(super) fn candidates(range: Range<u16>, seed: Uuid, attempt: u16) -> impl Iterator<Item = u16> {
    let (high, low) = seed.as_u64_pair();
    let count = u64::from(range.end - range.start);
    let first = ((high ^ low) % count + u64::from(attempt) * 997) % count;
    (0..count).map(move |step| {
        let offset = (first + step) % count;
        range.start + u16::try_from(offset).unwrap_or_default()
    })
}

/// Whether nobody listens there now. Does not listen itself: another installation asks for the
/// same port while a process that it was given to begins to listen, which must not fail then.
pub(super) fn is_free(port: u16) -> bool {
    let bound = || {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        // Sockets that do not listen let others bind if both say this, as servers do.
        sockopt::set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    bound().is_ok()
}

/// Whether a process says that somebody else listens where it was to, in the words of the C
/// library or the name of the error.
pub(super) fn says_taken(output: &str) -> bool {
    let output = output.to_ascii_lowercase();
    ["address already in use", "address in use", "eaddrinuse"]
        .iter()
        .any(|words| output.contains(words))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_is_given_once_until_it_is_given_back() {
        let ports = Ports::default();
        let seed = Uuid::from_u128(7);
        let one = ports.pick(seed, 0).unwrap();
        let two = ports.pick(seed, 0).unwrap();
        assert_ne!(one.number(), two.number());
        let number = one.number();
        assert!(ports.hold(number).is_none());
        drop(one);
        assert!(ports.hold(number).is_some());
    }

    #[test]
    fn a_port_where_somebody_listens_is_not_given() {
        let ports = Ports::default();
        let seed = Uuid::from_u128(8);
        let number = ports.pick(seed, 0).unwrap().number();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
        assert_ne!(ports.pick(seed, 0).unwrap().number(), number);
    }

    #[test]
    fn asking_whether_a_port_is_free_keeps_nobody_from_listening() {
        let port = Ports::default()
            .pick(Uuid::from_u128(9), 0)
            .unwrap()
            .number();
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    is_free(port);
                }
            });
            let refused = (0..5000)
                .filter(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err())
                .count();
            done.store(true, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(refused, 0);
        });
    }

    #[test]
    fn every_port_is_tried_once() {
        let all: BTreeSet<u16> = candidates(PUBLIC, Uuid::from_u128(u128::MAX), 9).collect();
        assert_eq!(all.len(), usize::from(PUBLIC.end - PUBLIC.start));
        assert!(all.iter().all(|port| PUBLIC.contains(port)));
    }
}
