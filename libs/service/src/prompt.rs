//! A connection whose client has to begin. What tells HTTP/1 from HTTP/2 reads without a limit of
//! time: whoever connects and says nothing would keep the place of somebody else for ever.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// As much as decides which protocol it is: the preface of HTTP/2 (RFC 9113, section 3.4).
const ENOUGH: usize = 24;

/// A stream that ends with `TimedOut` when too little of it came in time.
pub(crate) struct Prompt<S> {
    stream: S,
    /// Nothing once enough was read.
    limit: Option<Pin<Box<Sleep>>>,
    read: usize,
}

impl<S> Prompt<S> {
    pub(crate) fn new(stream: S, within: Duration) -> Self {
        Self {
            stream,
            limit: Some(Box::pin(sleep(within))),
            read: 0,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prompt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(task, buffer);
        let Some(limit) = &mut self.limit else {
            return polled;
        };
        if polled.is_pending() {
            return match limit.as_mut().poll(task) {
                Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                Poll::Pending => Poll::Pending,
            };
        }
        self.read += buffer.filled().len() - before;
        if self.read >= ENOUGH {
            self.limit = None;
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prompt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(task, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const WITHIN: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn who_says_too_little_is_cut_off() {
        let (mut client, server) = duplex(64);
        let mut server = Prompt::new(server, WITHIN);
        client.write_all(b"PRI * HTTP").await.unwrap();
        let mut read = Vec::new();
        let error = server.read_to_end(&mut read).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(read, b"PRI * HTTP");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_begun_may_take_time() {
        let (mut client, server) = duplex(64);
        let mut server = Prompt::new(server, WITHIN);
        client.write_all(&[b'x'; ENOUGH]).await.unwrap();
        let mut read = [0; ENOUGH];
        server.read_exact(&mut read).await.unwrap();
        let later = tokio::spawn(async move {
            sleep(WITHIN * 10).await;
            client.write_all(b"y").await.unwrap();
            client
        });
        assert_eq!(server.read_u8().await.unwrap(), b'y');
        drop(later.await.unwrap());
    }
}
