//! Reading content while computing its digest: the end of the stream is reached only when it
//! is what its name says.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ids::Digest;
use sha2::{Digest as _, Sha256};

use crate::Error;

/// One blob of a layout, being read. `read` returns 0 only for the right digest; for another
/// one it fails with [`io::ErrorKind::InvalidData`].
#[derive(Debug)]
pub struct Blob {
    file: File,
    path: PathBuf,
    expected: Digest,
    state: State,
}

#[derive(Debug)]
enum State {
    Reading(Sha256),
    Verified,
    Wrong(Digest),
}

impl Blob {
    pub(crate) fn new(file: File, path: PathBuf, expected: Digest) -> Self {
        Self {
            file,
            path,
            expected,
            state: State::Reading(Sha256::new()),
        }
    }

    /// The file that is read.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what is left and says whether the whole was what its name says.
    pub fn finish(mut self) -> Result<(), Error> {
        let drained = io::copy(&mut self, &mut io::sink());
        self.verdict(drained.map(|_| ()))
    }

    /// Turns the outcome of reading into the error that names the cause.
    pub(crate) fn verdict(&self, outcome: io::Result<()>) -> Result<(), Error> {
        match (&self.state, outcome) {
            (State::Wrong(actual), _) => Err(Error::Corrupt {
                expected: self.expected.clone(),
                actual: actual.clone(),
                path: self.path.clone(),
            }),
            (_, Err(cause)) => Err(Error::Io {
                doing: "read",
                path: self.path.clone(),
                cause,
            }),
            (_, Ok(())) => Ok(()),
        }
    }
}

impl Read for Blob {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let State::Reading(hash) = &mut self.state else {
            return match &self.state {
                State::Wrong(_) => Err(wrong(&self.expected)),
                State::Reading(_) | State::Verified => Ok(0),
            };
        };
        let count = self.file.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            hash.update(&buffer[..count]);
            return Ok(count);
        }
        let actual = Digest::from_bytes(std::mem::take(hash).finalize().into());
        if actual == self.expected {
            self.state = State::Verified;
            return Ok(0);
        }
        self.state = State::Wrong(actual);
        Err(wrong(&self.expected))
    }
}

fn wrong(expected: &Digest) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("content is not {expected}"),
    )
}
