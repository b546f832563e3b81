//! One HTTP request on a connection of its own: a handful per release, so that keeping
//! connections would save nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::{Address, Error};

/// From the first packet to the last byte of the answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that is read: what registries must accept as a manifest.
const LARGEST: usize = 4 * 1024 * 1024;

/// Sends a request whose URI is only a path, and reads the whole answer.
pub(crate) async fn send(
    to: &Address,
    mut request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, Error> {
    let host = HeaderValue::from_str(&to.authority())
        .map_err(|_| unreachable(to, "its host cannot be sent"))?;
    request.headers_mut().insert(header::HOST, host);
    let agent = HeaderValue::from_static(concat!("towpath/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().insert(header::USER_AGENT, agent);
    let answered = timeout(PATIENCE, exchange(to, request)).await;
    answered.unwrap_or_else(|_| {
        Err(unreachable(
            to,
            &format!("no answer within {} s", PATIENCE.as_secs()),
        ))
    })
}

async fn exchange(to: &Address, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Error> {
    let bare = to.host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, to.port))
        .await
        .map_err(|error| unreachable(to, &error))?;
    if !to.is_secure {
        return over(to, stream, request).await;
    }
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|_| unreachable(to, "its host is no name that a certificate can hold"))?;
    let stream = TlsConnector::from(Arc::new(tls(to)?))
        .connect(name, stream)
        .await
        .map_err(|error| unreachable(to, &error))?;
    over(to, stream, request).await
}

fn tls(to: &Address) -> Result<rustls::ClientConfig, Error> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unreachable(to, &error))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

async fn over<S>(
    to: &Address,
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| unreachable(to, &error))?;
    let driver = tokio::spawn(connection);
    let answered = async {
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| unreachable(to, &error))?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, LARGEST)
            .collect()
            .await
            .map_err(|error| Error::Broken {
                place: to.to_string(),
                why: format!("its answer cannot be read: {error}"),
            })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    };
    let answered = answered.await;
    driver.abort();
    answered
}

fn unreachable(to: &Address, why: &(impl std::fmt::Display + ?Sized)) -> Error {
    Error::Unreachable {
        place: to.to_string(),
        why: why.to_string(),
    }
}
