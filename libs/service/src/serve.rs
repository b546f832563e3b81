//! One port for gRPC and HTTP: accepts, limits, shuts down in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::middleware::AddExtension;
use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

use crate::config::{Error, Tls};
use crate::prompt::Prompt;
use crate::telemetry::Peer;

/// Connections served at once; more wait in the listen queue.
const MAX_CONNECTIONS: usize = 1_024;
/// The largest request body, in bytes, for HTTP and gRPC alike.
pub const MAX_BODY: usize = 1024 * 1024;
/// How long calls in flight may take to end at shutdown.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a client may take to send its headers.
const HEADERS: Duration = Duration::from_secs(10);

/// Binds the front's port.
///
/// # Errors
/// A [`Error::Value`] for `listen` that says who may have the port.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|error| Error::Value {
        name: "listen",
        why: format!("cannot listen on {address}: {error}; another `towpath up` may run there, or choose another port with --listen"),
    })
}

/// Reads certificate and key.
///
/// # Errors
/// What is wrong with which file.
pub fn acceptor(tls: &Tls) -> Result<TlsAcceptor, Error> {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let wrong = |path: &std::path::Path, error: String| Error::Syntax {
        path: path.to_owned(),
        error,
    };
    let certificates = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(&tls.certificate, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| wrong(&tls.key, error.to_string()))?;
    let mut config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| wrong(&tls.certificate, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `stop`, then lets calls in flight end.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20))
        // More than are worked on: who sends more is told so, and does not wait unheard.
        .max_concurrent_streams(1_024)
        .max_header_list_size(16 * 1024)
        // What a connection may have sent that nobody has read yet.
        .initial_stream_window_size(64 * 1024)
        .initial_connection_window_size(128 * 1024);
    loop {
        let free = Arc::clone(&connections).acquire_owned();
        let Some(Ok(permit)) = stop.run_until_cancelled(free).await else {
            break;
        };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, or the peer is gone already: the next one may work.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let (builder, tls) = (builder.clone(), tls.clone());
        let router = Extension(Peer(peer)).layer(router.clone());
        let watcher = graceful.watcher();
        tokio::spawn(async move {
            connection(builder, stream, router, tls, watcher).await;
            drop(permit);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(DRAIN) => tracing::warn!("calls in flight were cut off at shutdown"),
    }
}

async fn connection(
    builder: auto::Builder<TokioExecutor>,
    stream: TcpStream,
    router: AddExtension<Router, Peer>,
    tls: Option<TlsAcceptor>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    // Small answers must not wait for more: latency matters more than packets here.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "nodelay");
    }
    let service = TowerToHyperService::new(router);
    let ended = match tls {
        None => {
            let stream = TokioIo::new(Prompt::new(stream, HEADERS));
            let connection = builder.serve_connection_with_upgrades(stream, service);
            watcher.watch(connection.into_owned()).await
        }
        Some(tls) => match tokio::time::timeout(HEADERS, tls.accept(stream)).await {
            Ok(Ok(stream)) => {
                let stream = TokioIo::new(Prompt::new(stream, HEADERS));
                let connection = builder.serve_connection_with_upgrades(stream, service);
                watcher.watch(connection.into_owned()).await
            }
            Ok(Err(_)) | Err(_) => return,
        },
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, RootCertStore};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsConnector;

    use super::*;

    /// Serves one router on a free port; says where, and how to stop.
    async fn front(tls: Option<TlsAcceptor>) -> (SocketAddr, CancellationToken) {
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(|| async { "hello" }));
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, router, tls, stop.clone()));
        (address, stop)
    }

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

    #[tokio::test]
    async fn a_front_with_a_certificate_speaks_tls_and_nothing_else() {
        // Another test of this process may have been first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let tls = Tls {
            certificate: dir.path().join("c.pem"),
            key: dir.path().join("k.pem"),
        };
        std::fs::write(&tls.certificate, made.cert.pem()).unwrap();
        std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
        let (address, stop) = front(Some(acceptor(&tls).unwrap())).await;

        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
            .unwrap();
        stream.write_all(ASK).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"),
            "{answer}"
        );

        let mut plain = TcpStream::connect(address).await.unwrap();
        plain.write_all(ASK).await.unwrap();
        let mut answer = Vec::new();
        // An alert, or the connection is reset: never an answer.
        drop(plain.read_to_end(&mut answer).await);
        assert!(!answer.starts_with(b"HTTP/"));
        stop.cancel();
    }

    #[tokio::test]
    async fn a_port_that_is_taken_is_named() {
        let (address, stop) = front(None).await;
        let why = bind(address).await.unwrap_err().to_string();
        assert!(
            why.contains(&address.to_string()) && why.contains("--listen"),
            "{why}"
        );
        stop.cancel();
    }

    #[test]
    fn a_key_that_is_none_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let tls = Tls {
            certificate: dir.path().join("c.pem"),
            key: dir.path().join("k.pem"),
        };
        std::fs::write(&tls.certificate, "").unwrap();
        let Err(why) = acceptor(&tls) else {
            panic!("there is no key")
        };
        assert!(why.to_string().contains("k.pem"), "{why}");
    }
}
