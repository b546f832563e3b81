//! Making a log of an export: the same commits, versions, hashes and identity, or nothing.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use ids::{AggregateId, Uuid};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use crate::commit::{Head, SealedCommit};
use crate::corrupt::{Corrupt, Place};
use crate::export::{MAGIC, header};
use crate::log::{LogIdentity, MAX_COMMIT_BYTES, Position};
use crate::sqlite::{Bulk, OpenError};

/// The name of the log in a data directory.
pub const LOG_FILE: &str = "log.db";

/// Commits handed over at once.
const BATCH: usize = 512;

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// Which log.
    pub identity: LogIdentity,
    /// How many commits.
    pub commits: u64,
    /// The digest that the export ended with.
    pub digest: [u8; 32],
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is a log already.
    #[error("{path} exists: import into an empty data directory")]
    Occupied {
        /// What is in the way.
        path: PathBuf,
    },
    /// Not an export, or of another version.
    #[error("this is not a log export of version 1 (it does not begin with `towpath.export.v1`)")]
    NotAnExport,
    /// It ends too early.
    #[error(
        "the export is truncated after {commits} commits: export it again; nothing was imported"
    )]
    Truncated {
        /// How many were whole.
        commits: u64,
    },
    /// It is not what was exported.
    #[error("the export was changed at commit {commit}: {why}; nothing was imported")]
    Changed {
        /// Counted from 1.
        commit: u64,
        /// How.
        why: String,
    },
    /// It could not be read.
    #[error("reading the export: {0}; nothing was imported")]
    Read(io::Error),
    /// The log could not be written.
    #[error("{path}: {why}; nothing was imported")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The log could not be created.
    #[error(transparent)]
    Open(#[from] OpenError),
}

enum Piece {
    Header(LogIdentity),
    Commits(Vec<SealedCommit>),
    End { commits: u64, digest: [u8; 32] },
}

/// Imports into `<dir>/log.db`, which must not exist. The log appears there only when all of it
/// was checked and synced.
pub async fn import(
    reader: impl Read + Send + 'static,
    dir: &Path,
) -> Result<Imported, ImportError> {
    let path = dir.join(LOG_FILE);
    for taken in [LOG_FILE, "log.db-wal", "read.db"].map(|it| dir.join(it)) {
        if taken.exists() {
            return Err(ImportError::Occupied { path: taken });
        }
    }
    // In the same directory, so that the rename is one step; removed when anything fails.
    let temporary = tempfile::Builder::new()
        .prefix(".importing-")
        .tempdir_in(dir)
        .map_err(|e| write_failed(dir, &e))?;
    let beside = temporary.path().join(LOG_FILE);
    // Small, so that the parser is never far ahead of the disk.
    let (pieces, parsed) = mpsc::channel(4);
    let parser = tokio::task::spawn_blocking(move || parse(reader, &pieces));
    let stored = store(&beside, parsed).await;
    // What is wrong with the export says more than that it ended.
    if let Ok(Err(wrong)) = parser.await {
        return Err(wrong);
    }
    let imported = stored?;
    publish(&beside, &path).map_err(|e| write_failed(&path, &e))?;
    Ok(imported)
}

fn write_failed(path: &Path, error: &io::Error) -> ImportError {
    ImportError::Write {
        path: path.to_owned(),
        why: error.to_string(),
    }
}

async fn store(path: &Path, mut parsed: mpsc::Receiver<Piece>) -> Result<Imported, ImportError> {
    let mut log = None;
    while let Some(piece) = parsed.recv().await {
        match (piece, &mut log) {
            (Piece::Header(identity), _) => {
                log = Some((identity, Bulk::create(path, &identity).await?));
            }
            (Piece::Commits(commits), Some((_, log))) => log.store(&commits).await?,
            (Piece::End { commits, digest }, Some(_)) => {
                let Some((identity, bulk)) = log.take() else {
                    break;
                };
                bulk.close().await?;
                return Ok(Imported {
                    identity,
                    commits,
                    digest,
                });
            }
            (Piece::Commits(_) | Piece::End { .. }, None) => break,
        }
    }
    Err(ImportError::Truncated { commits: 0 })
}

fn publish(from: &Path, to: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    // Unlike a rename, a link never replaces what came to be there meanwhile.
    fs::hard_link(from, to)?;
    match to.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

/// Reads and checks an export to its end; sends what it holds as it goes.
fn parse(reader: impl Read, pieces: &mpsc::Sender<Piece>) -> Result<(), ImportError> {
    let mut parser = Parser {
        reader: io::BufReader::new(reader),
        commits: 0,
        heads: BTreeMap::new(),
    };
    let identity = parser.identity()?;
    let mut digest = Sha256::new_with_prefix(header(&identity));
    // A closed channel means that storing failed, and that error is the one reported.
    if pieces.blocking_send(Piece::Header(identity)).is_err() {
        return Ok(());
    }
    let mut batch = Vec::new();
    while let Some(commit) = parser.commit()? {
        digest.update(commit.hash());
        batch.push(commit);
        if batch.len() == BATCH {
            let full = std::mem::take(&mut batch);
            if pieces.blocking_send(Piece::Commits(full)).is_err() {
                return Ok(());
            }
        }
    }
    let digest = digest.finalize().into();
    let commits = parser.end(digest)?;
    for piece in [Piece::Commits(batch), Piece::End { commits, digest }] {
        if pieces.blocking_send(piece).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

struct Parser<R> {
    reader: R,
    commits: u64,
    heads: BTreeMap<AggregateId, Head>,
}

impl<R: Read> Parser<R> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        let mut bytes = [0; N];
        let read = self.reader.read_exact(&mut bytes);
        read.map_err(|e| self.ended(e))?;
        Ok(bytes)
    }

    fn ended(&self, error: io::Error) -> ImportError {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let commits = self.commits;
            return ImportError::Truncated { commits };
        }
        ImportError::Read(error)
    }

    fn changed(&self, why: impl Into<String>) -> ImportError {
        ImportError::Changed {
            commit: self.commits + 1,
            why: why.into(),
        }
    }

    fn identity(&mut self) -> Result<LogIdentity, ImportError> {
        let mut magic = [0; MAGIC.len()];
        match self.reader.read_exact(&mut magic) {
            Ok(()) if magic == MAGIC => {}
            Ok(()) => return Err(ImportError::NotAnExport),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(ImportError::NotAnExport);
            }
            Err(e) => return Err(ImportError::Read(e)),
        }
        Ok(LogIdentity {
            log_id: Uuid::from_bytes(self.take()?),
            epoch: u32::from_be_bytes(self.take()?),
            created_at_us: i64::from_be_bytes(self.take()?),
        })
    }

    /// The next commit; nothing before the footer.
    fn commit(&mut self) -> Result<Option<SealedCommit>, ImportError> {
        let length = u32::from_be_bytes(self.take()?);
        if length == 0 {
            return Ok(None);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_COMMIT_BYTES {
            return Err(self.changed(format!("a commit of {length} bytes is never stored")));
        }
        let hash = self.take()?;
        let mut bytes = vec![0; length];
        let read = self.reader.read_exact(&mut bytes);
        read.map_err(|e| self.ended(e))?;
        let commit = SealedCommit::open(Bytes::from(bytes), hash)
            .map_err(|it| self.changed(it.to_string()))?;
        self.follows(&commit)
            .map_err(|it| self.changed(it.to_string()))?;
        self.commits += 1;
        Ok(Some(commit))
    }

    fn follows(&mut self, commit: &SealedCommit) -> Result<(), Corrupt> {
        let head = self
            .heads
            .get(&commit.aggregate)
            .copied()
            .unwrap_or(Head::NONE);
        let position = Some(Position(self.commits + 1));
        let at = || Place::new(&commit.aggregate, commit.version, position).into();
        let expected = head.version + 1;
        if commit.version != expected {
            return Err(Corrupt::VersionGap { at: at(), expected });
        }
        if commit.prev_hash != head.hash {
            return Err(Corrupt::BrokenChain { at: at() });
        }
        self.heads.insert(commit.aggregate.clone(), commit.head());
        Ok(())
    }

    fn end(&mut self, digest: [u8; 32]) -> Result<u64, ImportError> {
        let count = u64::from_be_bytes(self.take()?);
        let stored: [u8; 32] = self.take()?;
        if count != self.commits {
            return Err(self.changed(format!("the footer counts {count} commits")));
        }
        if stored != digest {
            return Err(self.changed("the footer's digest is of other commits"));
        }
        let mut more = [0; 1];
        match self.reader.read(&mut more) {
            Ok(0) => Ok(count),
            Ok(_) => Err(self.changed("something follows the footer")),
            Err(e) => Err(ImportError::Read(e)),
        }
    }
}

#[cfg(test)]
mod tests;
