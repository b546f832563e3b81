//! Follows the requests and responses of one connection, to know when it is between two of
//! them: then, and only then, the next request may go to another process unnoticed.

use std::collections::VecDeque;

use super::framing::{Body, Event, Framing, Head};

/// As many requests may be sent ahead of their answers before we stop following.
const PIPELINED: usize = 256;

/// The state of one connection's HTTP.
#[derive(Debug)]
pub(super) struct Exchange {
    requests: Framing,
    responses: Framing,
    /// Sent and not completely answered.
    waiting: VecDeque<Request>,
    /// Not HTTP/1.1, no longer, or not understood: bytes are passed and nothing is concluded.
    opaque: bool,
    /// The server closes after this response, or the client asked it to.
    last: bool,
    answered: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Request {
    method: String,
    old: bool,
}

impl Exchange {
    /// A connection that has just been opened.
    pub(super) fn http() -> Self {
        Self {
            requests: Framing::default(),
            responses: Framing::default(),
            waiting: VecDeque::new(),
            opaque: false,
            last: false,
            answered: false,
        }
    }

    /// A connection whose bytes mean nothing to us.
    pub(super) fn opaque() -> Self {
        Self {
            opaque: true,
            ..Self::http()
        }
    }

    pub(super) fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Whether everything that was asked is answered and nothing new has begun.
    pub(super) fn is_between(&self) -> bool {
        !self.opaque
            && !self.last
            && self.waiting.is_empty()
            && self.requests.is_between()
            && self.responses.is_between()
    }

    /// Whether what was asked since [`Exchange::is_between`] may be asked again elsewhere when
    /// the server went away: nothing was answered, and asking twice is the same as asking
    /// once (RFC 9110 §9.2.2).
    pub(super) fn may_repeat(&self) -> bool {
        !self.opaque
            && !self.answered
            && self
                .waiting
                .iter()
                .all(|request| matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS"))
            && (self.requests.is_between() || self.waiting.is_empty())
    }

    /// Forgets what was asked, because it is asked again from the beginning.
    pub(super) fn restart(&mut self) {
        *self = Self::http();
    }

    /// Bytes from the client.
    pub(super) fn client(&mut self, mut bytes: &[u8]) {
        if self.opaque {
            return;
        }
        if self.is_between() {
            self.answered = false;
        }
        while let Some(event) = self.requests.next(&mut bytes) {
            match event {
                Event::Head(head) => self.request(&head),
                Event::End => {}
                Event::Lost => self.opaque = true,
            }
            if self.opaque {
                return;
            }
        }
    }

    fn request(&mut self, head: &Head) {
        let mut words = head.first.split(' ');
        let (method, _, version) = (words.next(), words.next(), words.next());
        let old = version == Some("HTTP/1.0");
        let known = old || version == Some("HTTP/1.1");
        if !known || words.next().is_some() || self.waiting.len() >= PIPELINED {
            self.opaque = true;
            return;
        }
        self.last |= head.close || (old && !head.keep_alive);
        self.waiting.push_back(Request {
            method: method.unwrap_or_default().to_owned(),
            old,
        });
        self.requests.expect(head.body(Body::Length(0)));
    }

    /// Bytes from the server.
    pub(super) fn server(&mut self, mut bytes: &[u8]) {
        self.answered = true;
        if self.opaque {
            return;
        }
        while let Some(event) = self.responses.next(&mut bytes) {
            match event {
                Event::Head(head) => self.response(&head),
                Event::End => {}
                Event::Lost => self.opaque = true,
            }
            if self.opaque {
                return;
            }
        }
    }

    fn response(&mut self, head: &Head) {
        let status = status(&head.first);
        let (Some(status), Some(request)) = (status, self.waiting.front()) else {
            // Not HTTP, or an answer that nobody asked for, such as 408 before closing.
            self.opaque = true;
            return;
        };
        let connected = request.method == "CONNECT" && (200..300).contains(&status);
        if status == 101 || connected {
            self.opaque = true;
            return;
        }
        if (100..200).contains(&status) {
            // The final answer is still to come; this one has no body.
            self.responses.expect(Body::Length(0));
            return;
        }
        let empty = request.method == "HEAD" || status == 204 || status == 304;
        let body = if empty {
            Body::Length(0)
        } else {
            head.body(Body::Endless)
        };
        let old = request.old || head.first.starts_with("HTTP/1.0");
        self.last |= head.close || body == Body::Endless || (old && !head.keep_alive);
        self.responses.expect(body);
        // Its end is seen by `responses`: until then that is not between two messages.
        self.waiting.pop_front();
    }
}

fn status(line: &str) -> Option<u16> {
    let rest = line
        .strip_prefix("HTTP/1.1 ")
        .or_else(|| line.strip_prefix("HTTP/1.0 "))?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    fn after(steps: &[(&str, &str)]) -> Exchange {
        let mut exchange = Exchange::http();
        for (client, server) in steps {
            for byte in client.as_bytes() {
                exchange.client(&[*byte]);
            }
            for byte in server.as_bytes() {
                exchange.server(&[*byte]);
            }
        }
        exchange
    }

    #[test]
    fn it_is_between_two_requests_when_all_is_answered() {
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
        let early = "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n";
        assert!(after(&[]).is_between());
        for steps in [
            vec![(GET, OK)],
            vec![(GET, OK), (GET, chunked)],
            vec![(GET, early), ("", OK)],
            vec![(&*GET.repeat(3), OK), ("", OK), ("", OK)],
            vec![(
                "HEAD / HTTP/1.1\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            )],
            vec![(
                GET,
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            )],
            vec![(
                "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
                "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
            )],
        ] {
            assert!(after(&steps).is_between(), "{steps:?}");
        }
    }

    #[test]
    fn it_is_not_while_anything_is_open() {
        for steps in [
            vec![("G", "")],
            vec![(GET, "")],
            vec![(GET, "HTTP/1.1 100 Continue\r\n\r\n")],
            vec![(GET, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok")],
            vec![(GET, "HTTP/1.1 200 OK\r\n\r\n")],
            vec![(&*GET.repeat(2), OK)],
            vec![("POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", OK)],
            vec![("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", OK)],
            vec![("GET / HTTP/1.0\r\n\r\n", OK)],
            vec![(
                GET,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            )],
            vec![(
                GET,
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
            )],
            vec![("CONNECT x:1 HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n")],
            vec![("PRI * HTTP/2.0\r\n\r\n", "")],
            vec![("", OK)],
            vec![(GET, "220 mail ESMTP\r\n\r\n")],
        ] {
            assert!(!after(&steps).is_between(), "{steps:?}");
        }
    }

    #[test]
    fn only_what_is_harmless_and_unanswered_is_repeated() {
        assert!(after(&[(GET, OK), (GET, "")]).may_repeat());
        assert!(after(&[(GET, OK), ("GET / HT", "")]).may_repeat());
        assert!(!after(&[(GET, "H")]).may_repeat());
        assert!(!after(&[("POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\na", "")]).may_repeat());
        assert!(!after(&[("DELETE / HTTP/1.1\r\n\r\n", "")]).may_repeat());
    }
}
