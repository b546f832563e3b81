//! The slot's public port: accepts connections and passes their bytes to the process that
//! serves now. Switching to another process breaks no request: what has begun is finished
//! where it began, and what begins later goes to the new one, also on connections that stay.

mod connection;
mod exchange;
mod framing;
mod pipe;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::target::Protocol;

/// Connections at a time; more wait until one ends.
const CONNECTIONS: usize = 4096;
/// How long a connection waits for a process when none serves.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Between attempts to reach a process that does not accept.
const RETRY: Duration = Duration::from_millis(10);

/// A listening public port. It closes, with all of its connections, when this is dropped.
#[derive(Debug)]
pub(super) struct Front {
    port: u16,
    routes: Arc<Routes>,
    /// Nobody is let in any more.
    refusing: CancellationToken,
    /// Whoever is in must go.
    closed: CancellationToken,
    tasks: TaskTracker,
}

/// Where new requests go. Everybody who uses a backend holds a [`Lease`] of it.
#[derive(Debug)]
struct Routes {
    current: watch::Sender<Option<Backend>>,
    /// Whether connections that are accepted from now on are followed as HTTP.
    http: AtomicBool,
}

/// A process that serves, and how many connections use it.
#[derive(Debug, Clone)]
pub(super) struct Backend {
    port: u16,
    users: Arc<watch::Sender<usize>>,
}

/// One use of a backend.
#[derive(Debug)]
struct Lease {
    backend: Backend,
}

impl Backend {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            users: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Waits until no connection uses it.
    pub(super) async fn unused(&self) {
        // It fails only when the sender is gone, which we hold.
        let mut users = self.users.subscribe();
        let _count = users.wait_for(|count| *count == 0).await;
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.users, &other.users)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.backend.users.send_modify(|count| *count -= 1);
    }
}

impl Routes {
    /// The backend for a request that begins now. It is counted before the next switch can
    /// happen, so that who waits for [`Backend::unused`] after a switch misses nobody.
    fn lease(&self) -> Option<Lease> {
        let current = self.current.borrow();
        let backend = current.as_ref()?.clone();
        backend.users.send_modify(|count| *count += 1);
        drop(current);
        Some(Lease { backend })
    }

    fn is_current(&self, backend: &Backend) -> bool {
        self.current
            .borrow()
            .as_ref()
            .is_some_and(|current| current.is(backend))
    }

    /// Connects to the backend for a request that begins now, waiting for one if need be.
    async fn connect(&self) -> Option<(TcpStream, Lease)> {
        let attempts = async {
            loop {
                if let Some(lease) = self.lease() {
                    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, lease.backend.port));
                    match TcpStream::connect(address).await {
                        Ok(stream) => {
                            let _slower = stream.set_nodelay(true);
                            return (stream, lease);
                        }
                        Err(e) => tracing::debug!(%address, "backend does not accept: {e}"),
                    }
                }
                let mut changes = self.current.subscribe();
                tokio::select! {
                    _ = changes.changed() => {}
                    () = tokio::time::sleep(RETRY) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, attempts).await.ok()
    }
}

impl Front {
    /// Listens on this port of 127.0.0.1.
    pub(super) fn bind(port: u16, protocol: Protocol) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        // An earlier one of us may have left connections that the system still remembers.
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let listener = socket.listen(1024)?;
        let front = Self {
            port: listener.local_addr()?.port(),
            routes: Arc::new(Routes {
                current: watch::Sender::new(None),
                http: AtomicBool::new(protocol == Protocol::Http),
            }),
            refusing: CancellationToken::new(),
            closed: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        front.tasks.spawn(accept(
            listener,
            Arc::clone(&front.routes),
            front.refusing.clone(),
            front.closed.clone(),
            front.tasks.clone(),
        ));
        Ok(front)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What connections that are accepted from now on speak.
    pub(super) fn speak(&self, protocol: Protocol) {
        self.routes
            .http
            .store(protocol == Protocol::Http, Ordering::Relaxed);
    }

    /// Sends what begins from now on to this backend; None lets it wait.
    pub(super) fn route(&self, backend: Option<Backend>) {
        self.routes.current.send_replace(backend);
    }

    /// Closes the port, gives requests that have begun up to `grace` to be answered, closes
    /// the connections, and returns when all is closed.
    pub(super) async fn close(&self, grace: Duration) {
        self.refusing.cancel();
        let last = self.routes.current.send_replace(None);
        if let Some(last) = last {
            let _late = tokio::time::timeout(grace, last.unused()).await;
        }
        self.closed.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.refusing.cancel();
        self.closed.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    routes: Arc<Routes>,
    refusing: CancellationToken,
    closed: CancellationToken,
    tasks: TaskTracker,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            next = next => next,
            () = refusing.cancelled() => return,
        };
        let client = match accepted {
            Ok((client, _)) => client,
            Err(e) => {
                // The connection is gone already, or we are out of file descriptors: then
                // some must be closed first.
                tracing::debug!("cannot accept a connection: {e}");
                tokio::time::sleep(RETRY).await;
                continue;
            }
        };
        let (routes, closed) = (Arc::clone(&routes), closed.clone());
        tasks.spawn(async move {
            let _place = place;
            let served = Box::pin(connection::serve(client, &routes));
            tokio::select! {
                () = served => {}
                () = closed.cancelled() => {}
            }
        });
    }
}

#[cfg(test)]
mod tests;
