//! Where an HTTP/1.1 message ends (RFC 9112 §6), told from the bytes that pass by. Nothing is
//! changed or kept but the head. Whatever is ambiguous is given up on: then nobody may
//! conclude that the connection is between two requests.

/// A head longer than this is not followed.
const HEAD_LIMIT: usize = 64 * 1024;
/// A chunk's size line longer than this is not followed.
const LINE_LIMIT: usize = 4096;

/// What follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Length(u64),
    Chunked,
    /// Until the connection closes, or in a protocol that is not followed.
    Endless,
}

/// The parts of a head that framing depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// The request line or status line.
    pub(super) first: String,
    /// Whether the peer said that it closes the connection after this message.
    pub(super) close: bool,
    /// Whether the peer, speaking HTTP/1.0, said that it does not.
    pub(super) keep_alive: bool,
    length: Option<u64>,
    chunked: bool,
}

impl Head {
    /// Reads a head without its final empty line; None when it is ambiguous.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text: String = bytes.iter().copied().map(char::from).collect();
        let mut lines = text.split("\r\n");
        let mut head = Self {
            first: lines.next()?.to_owned(),
            close: false,
            keep_alive: false,
            length: None,
            chunked: false,
        };
        for line in lines {
            let (name, value) = line.split_once(':')?;
            head.field(&name.to_ascii_lowercase(), value.trim())?;
        }
        // Both at once is how requests are smuggled (RFC 9112 §6.1).
        (!(head.chunked && head.length.is_some())).then_some(head)
    }

    fn field(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "content-length" => {
                let all_digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                let length = all_digits.then(|| value.parse().ok()).flatten()?;
                if self.length.is_some_and(|other| other != length) {
                    return None;
                }
                self.length = Some(length);
            }
            "transfer-encoding" => {
                if self.chunked || !value.eq_ignore_ascii_case("chunked") {
                    return None;
                }
                self.chunked = true;
            }
            "connection" => {
                for token in value.split(',').map(str::trim) {
                    self.close |= token.eq_ignore_ascii_case("close");
                    self.keep_alive |= token.eq_ignore_ascii_case("keep-alive");
                }
            }
            _ => {}
        }
        Some(())
    }

    /// The body that its fields announce; `otherwise` when they announce none.
    pub(super) fn body(&self, otherwise: Body) -> Body {
        match (self.chunked, self.length) {
            (true, _) => Body::Chunked,
            (false, Some(length)) => Body::Length(length),
            (false, None) => otherwise,
        }
    }
}

/// What happened in the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A head is complete; say with [`Framing::expect`] what follows it.
    Head(Head),
    /// The message that the last head began is complete.
    End,
    /// It can no longer be followed.
    Lost,
}

/// Follows the messages of one direction.
#[derive(Debug, Default)]
pub(super) struct Framing {
    state: State,
}

#[derive(Debug)]
enum State {
    Head(Vec<u8>),
    Length(u64),
    ChunkSize(Vec<u8>),
    ChunkData(u64),
    Trailer(Vec<u8>),
    Endless,
}

impl Default for State {
    fn default() -> Self {
        Self::Head(Vec::new())
    }
}

impl Framing {
    /// Whether no byte of a message has come yet.
    pub(super) fn is_between(&self) -> bool {
        matches!(&self.state, State::Head(head) if head.is_empty())
    }

    /// Says what follows the head that was just reported. An empty body reports its end with
    /// the next call of [`Framing::next`].
    pub(super) fn expect(&mut self, body: Body) {
        self.state = match body {
            Body::Length(length) => State::Length(length),
            Body::Chunked => State::ChunkSize(Vec::new()),
            Body::Endless => State::Endless,
        };
    }

    /// Goes on until something happens and says how; takes what it has seen off `bytes`.
    /// None when all of them are seen.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Event> {
        loop {
            match &mut self.state {
                State::Head(head) => {
                    let event = read_head(head, bytes)?;
                    self.state = match event {
                        Event::Head(_) => State::Length(0),
                        Event::End | Event::Lost => State::Endless,
                    };
                    return Some(event);
                }
                State::Length(0) => {
                    self.state = State::default();
                    return Some(Event::End);
                }
                State::Length(left) => skip(left, bytes)?,
                State::ChunkSize(line) => {
                    let size = read_line(line, bytes)?
                        .ok()
                        .and_then(|line| chunk_size(&line));
                    self.state = match size {
                        None => return Some(self.lose()),
                        Some(0) => State::Trailer(Vec::new()),
                        // The line end behind the data counts as data.
                        Some(size) => State::ChunkData(size.saturating_add(2)),
                    };
                }
                State::ChunkData(0) => self.state = State::ChunkSize(Vec::new()),
                State::ChunkData(left) => skip(left, bytes)?,
                State::Trailer(line) => match read_line(line, bytes)? {
                    Err(TooLong) => return Some(self.lose()),
                    Ok(line) if line.is_empty() => self.state = State::Length(0),
                    Ok(_) => self.state = State::Trailer(Vec::new()),
                },
                State::Endless => {
                    *bytes = &[];
                    return None;
                }
            }
        }
    }

    fn lose(&mut self) -> Event {
        self.state = State::Endless;
        Event::Lost
    }
}

fn skip(left: &mut u64, bytes: &mut &[u8]) -> Option<()> {
    if bytes.is_empty() {
        return None;
    }
    let count = usize::try_from(*left)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    *left -= count as u64;
    *bytes = &bytes[count..];
    Some(())
}

fn read_head(head: &mut Vec<u8>, bytes: &mut &[u8]) -> Option<Event> {
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        // Empty lines before a request line mean nothing (RFC 9112 §2.2).
        if head.is_empty() && matches!(byte, b'\r' | b'\n') {
            continue;
        }
        head.push(*byte);
        if *byte == b'\n' && head.ends_with(b"\r\n\r\n") {
            return Some(match Head::parse(&head[..head.len() - 4]) {
                Some(head) => Event::Head(head),
                None => Event::Lost,
            });
        }
        if head.len() > HEAD_LIMIT {
            return Some(Event::Lost);
        }
    }
    None
}

/// A line that is not followed to its end.
struct TooLong;

/// A line without its end; None when there is more of it to come.
fn read_line(line: &mut Vec<u8>, bytes: &mut &[u8]) -> Option<Result<Vec<u8>, TooLong>> {
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        line.push(*byte);
        if line.ends_with(b"\r\n") {
            line.truncate(line.len() - 2);
            return Some(Ok(std::mem::take(line)));
        }
        if line.len() > LINE_LIMIT {
            return Some(Err(TooLong));
        }
    }
    None
}

fn chunk_size(line: &[u8]) -> Option<u64> {
    let text = str::from_utf8(line).ok()?;
    let digits = text.split(';').next()?.trim();
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
    plain
        .then(|| u64::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens when these bytes come in pieces of `size`, with bodies as announced.
    fn events(bytes: &[u8], size: usize) -> Vec<&'static str> {
        let mut framing = Framing::default();
        let mut seen = Vec::new();
        for mut piece in bytes.chunks(size) {
            while let Some(event) = framing.next(&mut piece) {
                seen.push(match event {
                    Event::Head(head) => {
                        framing.expect(head.body(Body::Length(0)));
                        "head"
                    }
                    Event::End => "end",
                    Event::Lost => "lost",
                });
            }
        }
        if framing.is_between() {
            seen.push("between");
        }
        seen
    }

    #[test]
    fn messages_end_where_their_head_says_however_they_are_cut() {
        let two = b"\r\nPOST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab\r\nGET / HTTP/1.1\r\n\r\n";
        let chunked = b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n\
            3;x=y\r\na\r\n\r\n0a\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
        let partial = b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n123456789";
        for size in 1..70 {
            assert_eq!(events(two, size), ["head", "end", "head", "end", "between"]);
            assert_eq!(events(chunked, size), ["head", "end", "between"], "{size}");
            assert_eq!(events(partial, size), ["head"]);
        }
    }

    #[test]
    fn what_is_ambiguous_is_given_up_on() {
        for head in [
            "Content-Length: 1\r\nContent-Length: 2",
            "Content-Length: +1",
            "Content-Length: ",
            "Content-Length: 99999999999999999999999",
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "no colon",
        ] {
            let bytes = format!("POST / HTTP/1.1\r\n{head}\r\n\r\nGET / HTTP/1.1\r\n\r\n");
            assert_eq!(events(bytes.as_bytes(), 1000), ["lost"], "{head}");
        }
        assert_eq!(events(&vec![b'a'; HEAD_LIMIT + 2], 4096), ["lost"]);
        for body in ["x\r\n", "\r\n", "-1\r\n", "11111111111111111\r\n"] {
            let bytes = format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
            assert_eq!(events(bytes.as_bytes(), 7), ["head", "lost"], "{body}");
        }
    }
}
