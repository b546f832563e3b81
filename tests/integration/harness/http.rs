//! HTTP as a careful client speaks it: a connection is opened, used and closed in sight of the
//! test. Nothing is repeated behind its back, so every failed request is seen.

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// No answer takes longer.
const LIMIT: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{} {}: {error}", self.status, self.text()))
    }
}

/// One connection, kept open between requests.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects to `host:port`.
    pub(crate) async fn open(address: &str) -> Result<Self, String> {
        let connect = timeout(LIMIT, TcpStream::connect(address)).await;
        let stream = connect
            .map_err(|_| "no connection in time")?
            .map_err(|it| format!("connect: {it}"))?;
        let (sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(|it| format!("{it:?}"))?;
        // Its errors come out of the requests.
        tokio::spawn(async move { connection.await.ok() });
        Ok(Self {
            sender,
            host: address.to_owned(),
        })
    }

    /// Whether another request may be sent: a server may close a connection that is idle.
    pub(crate) async fn is_usable(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|it| it.to_string())?;
        let exchange = async {
            let answer = self
                .sender
                .send_request(request)
                .await
                .map_err(|it| format!("send: {it:?}"))?;
            let status = answer.status().as_u16();
            let body = answer
                .into_body()
                .collect()
                .await
                .map_err(|it| format!("read: {it:?}"))?;
            Ok(Answer {
                status,
                body: body.to_bytes().to_vec(),
            })
        };
        timeout(LIMIT, exchange)
            .await
            .unwrap_or_else(|_| Err("no answer in time".to_owned()))
    }
}

/// One request on a connection of its own.
pub(crate) async fn http(
    address: &str,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> Result<Answer, String> {
    Connection::open(address)
        .await?
        .send(method, path, headers, body)
        .await
}
