//! Asking a process whether it is healthy, and judging the answers.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::target::{Health, Protocol};

/// How much of a bad answer's body is read, in bytes, and shown, in characters.
const BODY_LIMIT: usize = 16 * 1024;
const BODY_SHOWN: usize = 200;
/// The first pause between probes; each one after it is half as long again, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_millis(15);

/// What one probe was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Good(String),
    Bad(String),
    /// Nobody listens yet.
    Refused(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good(text) | Self::Bad(text) | Self::Refused(text) => f.write_str(text),
        }
    }
}

/// Asks once.
pub(super) async fn probe(health: &Health, port: u16) -> Answer {
    let limit = health.timeout.max(Duration::from_millis(1));
    let question = match health.protocol {
        Protocol::Http => format!("GET {}", path(health)),
        Protocol::Tcp => format!("connecting to port {port}"),
    };
    let asked = async {
        let stream = match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            Ok(stream) => stream,
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
                return Answer::Refused(format!(
                    "nothing listens on port {port}, which the process was told in PORT"
                ));
            }
            Err(e) => return Answer::Bad(format!("{question} failed: {e}")),
        };
        match health.protocol {
            Protocol::Tcp => Answer::Good(format!("port {port} accepts connections")),
            Protocol::Http => request(stream, port, path(health))
                .await
                .unwrap_or_else(|why| Answer::Bad(format!("{question} failed: {why}"))),
        }
    };
    timeout(limit, asked)
        .await
        .unwrap_or_else(|_| Answer::Bad(format!("{question} was not answered within {limit:?}")))
}

fn path(health: &Health) -> &str {
    if health.path.is_empty() {
        "/"
    } else {
        &health.path
    }
}

async fn request(stream: TcpStream, port: u16, path: &str) -> Result<Answer, String> {
    let request = hyper::Request::get(path)
        .header(hyper::header::HOST, format!("127.0.0.1:{port}"))
        .header(hyper::header::USER_AGENT, "towpath-probe")
        .header(hyper::header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|e| format!("the path of the probe is wrong: {e}"))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| e.to_string())?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        if status.is_success() || status.is_redirection() {
            return Ok(Answer::Good(format!(
                "GET {path} answered {}",
                status.as_u16()
            )));
        }
        let body = Limited::new(response.into_body(), BODY_LIMIT)
            .collect()
            .await;
        let body = body
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let text: String = String::from_utf8_lossy(&body)
            .trim()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(BODY_SHOWN)
            .collect();
        let colon = if text.is_empty() { "" } else { ": " };
        Ok(Answer::Bad(format!(
            "GET {path} answered {}{colon}{text}",
            status.as_u16()
        )))
    };
    tokio::pin!(connection);
    tokio::pin!(exchange);
    let mut connected = true;
    loop {
        tokio::select! {
            answer = &mut exchange => {
                return answer.map_err(|e: hyper::Error| chain(&e));
            }
            // The exchange sees its end too, and says it better.
            _ = &mut connection, if connected => connected = false,
        }
    }
}

/// An error and what caused it: hyper keeps the cause apart.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// What the answers so far mean.
#[derive(Debug)]
pub(super) struct Judge {
    healthy_threshold: u32,
    unhealthy_threshold: u32,
    interval: Duration,
    good: u32,
    bad: u32,
    bad_since: Option<Instant>,
    pause: Duration,
}

/// See [`Judge::verdict`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Healthy,
    Unhealthy,
    Open,
}

impl Judge {
    pub(super) fn new(health: &Health) -> Self {
        Self {
            healthy_threshold: health.healthy_threshold.max(1),
            unhealthy_threshold: health.unhealthy_threshold.max(1),
            interval: health.interval,
            good: 0,
            bad: 0,
            bad_since: None,
            pause: FIRST_PAUSE,
        }
    }

    /// Takes an answer into account. Good answers are counted. Bad ones are counted and must
    /// also have lasted as long as that many intervals: asking faster than agreed at the
    /// beginning must not condemn faster. While nobody listens only the deadline counts.
    pub(super) fn verdict(&mut self, answer: &Answer, now: Instant) -> Verdict {
        match answer {
            Answer::Good(_) => {
                self.good = self.good.saturating_add(1);
                self.bad = 0;
                self.bad_since = None;
            }
            Answer::Bad(_) => {
                self.good = 0;
                self.bad = self.bad.saturating_add(1);
                self.bad_since.get_or_insert(now);
            }
            Answer::Refused(_) => {
                self.good = 0;
                self.bad = 0;
                self.bad_since = None;
            }
        }
        let patience = self.interval.saturating_mul(self.unhealthy_threshold - 1);
        let long = self
            .bad_since
            .is_some_and(|since| now.duration_since(since) >= patience);
        if self.good >= self.healthy_threshold {
            Verdict::Healthy
        } else if self.bad >= self.unhealthy_threshold && long {
            Verdict::Unhealthy
        } else {
            Verdict::Open
        }
    }

    /// How long to wait before the next probe.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.pause.min(self.interval.max(Duration::from_millis(1)));
        self.pause = self.pause.saturating_mul(3) / 2;
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    fn health() -> Health {
        Health {
            protocol: Protocol::Http,
            path: "/healthz".into(),
            interval: Duration::from_secs(1),
            timeout: Duration::from_millis(300),
            healthy_threshold: 2,
            unhealthy_threshold: 3,
            deadline: Duration::from_secs(5),
        }
    }

    /// Answers one connection with these bytes, then closes or (`stay`) keeps it open.
    async fn answering(bytes: Vec<u8>, stay: bool) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _count = stream.read(&mut request).await.unwrap();
            let _sent = stream.write_all(&bytes).await;
            if stay {
                std::future::pending::<()>().await;
            }
        });
        port
    }

    async fn ask(bytes: impl Into<Vec<u8>>, stay: bool) -> Answer {
        probe(&health(), answering(bytes.into(), stay).await).await
    }

    #[tokio::test]
    async fn the_status_decides_and_the_body_is_told() {
        let good = ask("HTTP/1.1 204 x\r\n\r\n", true).await;
        assert_eq!(good, Answer::Good("GET /healthz answered 204".into()));
        let long = format!(
            "HTTP/1.1 500 x\r\n\r\n no\tdatabase {}",
            "x".repeat(100_000)
        );
        let Answer::Bad(text) = ask(long, false).await else {
            panic!("500 is bad");
        };
        assert!(text.starts_with("GET /healthz answered 500"), "{text}");
        let small = "HTTP/1.1 503 x\r\ntransfer-encoding: chunked\r\n\r\n4\r\nwait\r\n0\r\n\r\n";
        assert_eq!(
            ask(small, true).await.to_string(),
            "GET /healthz answered 503: wait"
        );
    }

    #[tokio::test]
    async fn silence_nonsense_and_hanging_up_are_bad_answers() {
        for (bytes, stay, expected) in [
            (vec![], true, "was not answered within"),
            (vec![], false, "failed"),
            (b"SSH-2.0-x\r\n".to_vec(), true, "failed"),
            (
                b"HTTP/1.1 500 x\r\ncontent-length: 9\r\n\r\nab".to_vec(),
                true,
                "not answered",
            ),
        ] {
            let answer = ask(bytes, stay).await;
            assert!(matches!(answer, Answer::Bad(_)), "{answer:?}");
            assert!(answer.to_string().contains(expected), "{answer}");
        }
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        assert!(matches!(probe(&health(), port).await, Answer::Refused(_)));
        let mut wrong = health();
        wrong.path = "no path\n".into();
        let answer = probe(&wrong, answering(vec![], true).await).await;
        assert!(answer.to_string().contains("path of the probe"), "{answer}");
    }

    #[test]
    fn asking_faster_does_not_condemn_faster() {
        let bad = Answer::Bad(String::new());
        let good = Answer::Good(String::new());
        let mut judge = Judge::new(&health());
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        for ms in [0, 20, 40, 60, 1999] {
            assert_eq!(judge.verdict(&bad, at(ms)), Verdict::Open);
        }
        assert_eq!(judge.verdict(&bad, at(2000)), Verdict::Unhealthy);
        assert_eq!(judge.verdict(&good, at(2010)), Verdict::Open);
        assert_eq!(judge.verdict(&bad, at(2020)), Verdict::Open);
        assert_eq!(judge.verdict(&good, at(2030)), Verdict::Open);
        assert_eq!(judge.verdict(&good, at(2040)), Verdict::Healthy);
        assert!(judge.pause() < judge.pause());
        for _ in 0..100 {
            judge.pause();
        }
        assert_eq!(judge.pause(), Duration::from_secs(1));
    }
}
