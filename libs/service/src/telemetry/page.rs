//! `/metrics`: for programs on this machine, and for whoever has a token.

use std::net::SocketAddr;

use access::Directory;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, header};

use super::{Gauge, Telemetry};
use crate::authn;

/// Where the numbers are.
pub(super) const PATH: &str = "/metrics";

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Who is at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Answers `/metrics`. A scraper on this machine needs no token; any other needs one that is
/// accepted, of whatever group: names of methods and counts are not public.
pub async fn metrics_page(
    telemetry: &Telemetry,
    directory: &Directory,
    peer: Option<Peer>,
    headers: &HeaderMap,
    gauges: impl Future<Output = Vec<Gauge>>,
) -> Response<Body> {
    if !peer.is_some_and(|it| it.0.ip().to_canonical().is_loopback())
        && let Err(fault) = authn::authenticate(directory, headers)
    {
        return authn::json(&fault);
    }
    let text = telemetry.metrics().render(&gauges.await);
    let mut response = Response::new(Body::from(text));
    let kind = HeaderValue::from_static(CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn status(peer: Option<&str>) -> u16 {
        let telemetry = Telemetry::open("", "test", 0).unwrap();
        let peer = peer.map(|it| Peer(it.parse().unwrap()));
        let directory = Directory::new(|| 0);
        let none = HeaderMap::new();
        let answer = metrics_page(&telemetry, &directory, peer, &none, async { vec![] });
        answer.await.status().as_u16()
    }

    #[tokio::test]
    async fn strangers_need_a_token() {
        assert_eq!(status(Some("127.0.0.1:5")).await, 200);
        assert_eq!(status(Some("[::ffff:127.0.0.1]:5")).await, 200);
        assert_eq!(status(Some("192.0.2.7:5")).await, 401);
        assert_eq!(status(None).await, 401);
    }
}
