//! An HTTP/1.1 client that forgives nothing: one connection, and what happens on it.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    pub(crate) async fn connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// The status and body of the answer.
    pub(crate) async fn get(&mut self, path: &str) -> io::Result<(u16, String)> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.stream.write_all(request.as_bytes()).await?;
        tokio::time::timeout(Duration::from_secs(10), self.answer()).await?
    }

    async fn answer(&mut self) -> io::Result<(u16, String)> {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = parse(&bytes) {
                return Ok(answer);
            }
            if self.stream.read_buf(&mut bytes).await? == 0 {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                return Err(io::Error::other(format!("closed after {text:?}")));
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Option<(u16, String)> {
    let text = str::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Length: "))?;
    let length: usize = length.parse().unwrap();
    let status = head.split(' ').nth(1)?.parse().unwrap();
    (body.len() == length).then(|| (status, body.to_owned()))
}

/// What a connection of its own is answered.
pub(crate) async fn get(port: u16, path: &str) -> io::Result<(u16, String)> {
    Client::connect(port).await?.get(path).await
}

/// The version that is served.
pub(crate) async fn version(port: u16) -> String {
    get(port, "/version").await.unwrap().1
}
