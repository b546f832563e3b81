//! One direction's bytes on their way: as many as were read and not yet written.

use std::io;

use tokio::net::TcpStream;

const SIZE: usize = 8 * 1024;

/// A buffer that is filled when it is empty and emptied before it is filled again, so that a
/// slow reader slows its peer down.
#[derive(Debug)]
pub(super) struct Pipe {
    bytes: Vec<u8>,
    written: usize,
}

/// What became of trying to read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// There is something in the buffer.
    Some,
    /// There was nothing after all.
    NotYet,
    /// The peer will send no more.
    End,
}

impl Pipe {
    pub(super) fn new() -> Self {
        Self {
            bytes: Vec::new(),
            written: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written == self.bytes.len()
    }

    /// What is not written yet.
    pub(super) fn content(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// Puts these bytes where others were.
    pub(super) fn refill(&mut self, bytes: Vec<u8>) {
        self.bytes = bytes;
        self.written = 0;
    }

    /// Gives the memory back; for a connection that waits.
    pub(super) fn release(&mut self) {
        if self.is_empty() {
            *self = Self::new();
        }
    }

    pub(super) fn fill(&mut self, from: &TcpStream) -> io::Result<Read> {
        self.bytes.clear();
        self.written = 0;
        self.bytes.reserve(SIZE);
        match from.try_read_buf(&mut self.bytes) {
            Ok(0) => Ok(Read::End),
            Ok(_) => Ok(Read::Some),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(Read::NotYet),
            Err(e) => Err(e),
        }
    }

    pub(super) fn drain(&mut self, to: &TcpStream) -> io::Result<()> {
        match to.try_write(self.content()) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                self.written += count;
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(e) => Err(e),
        }
    }
}
