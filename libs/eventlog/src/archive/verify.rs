//! The log beside its archive.

use std::fmt;

use super::{Archive, ArchiveError, PAGE};
use crate::commit::Stored;
use crate::log::{EventLog, Position};

/// What comparing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Commits that are the same in both, before the first difference.
    pub same: u64,
    /// Where the archive ends.
    pub archived: Position,
    /// The first difference.
    pub divergence: Option<Divergence>,
}

/// The first place where log and archive differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Divergence {
    /// Another commit at the same position.
    Other {
        /// Where.
        position: Position,
        /// The commit of the log.
        log: String,
        /// The commit of the archive.
        archive: String,
    },
    /// A commit that only the log has.
    NotArchived {
        /// Where.
        position: Position,
        /// The commit.
        log: String,
    },
    /// A commit that only the archive has.
    NotInLog {
        /// Where.
        position: Position,
        /// The commit.
        archive: String,
    },
}

impl Divergence {
    /// Where.
    pub fn position(&self) -> Position {
        match self {
            Self::Other { position, .. }
            | Self::NotArchived { position, .. }
            | Self::NotInLog { position, .. } => *position,
        }
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other {
                position,
                log,
                archive,
            } => write!(
                f,
                "position {position}: the log has {log}, the archive has {archive}"
            ),
            Self::NotArchived { position, log } => write!(
                f,
                "position {position}: the log has {log}, which the archive does not have"
            ),
            Self::NotInLog { position, archive } => write!(
                f,
                "position {position}: the archive has {archive}, which the log does not have"
            ),
        }
    }
}

pub(super) async fn compare(
    archive: &Archive,
    log: &dyn EventLog,
) -> Result<Compared, ArchiveError> {
    let archived = super::table::last(&archive.pool).await?;
    let archived = archived.map_or(Position(0), |it| it.position);
    let tail = log.tail().await?.position;
    let (mut same, mut after) = (0, Position(0));
    loop {
        let copies = archive.read(after, PAGE).await?;
        let copies: Vec<_> = copies
            .into_iter()
            .filter(|it| it.position <= archived)
            .collect();
        // Fewer can come of the log when commits are large: only as far as both are read.
        let commits = if after < tail {
            log.read(after, PAGE).await?
        } else {
            Vec::new()
        };
        let commits: Vec<_> = commits
            .into_iter()
            .filter(|it| it.position <= archived)
            .collect();
        let both = copies.iter().zip(&commits);
        for (copy, commit) in both {
            if let Some(divergence) = differ(copy, commit) {
                return Ok(found(same, archived, Some(divergence)));
            }
            same += 1;
            after = commit.position;
        }
        let divergence = match (copies.first(), commits.first()) {
            (Some(_), Some(_)) => continue,
            (None, None) => None,
            (Some(copy), None) => Some(Divergence::NotInLog {
                position: copy.position,
                archive: name(copy),
            }),
            (None, Some(commit)) => Some(Divergence::NotArchived {
                position: commit.position,
                log: name(commit),
            }),
        };
        return Ok(found(same, archived, divergence));
    }
}

fn found(same: u64, archived: Position, divergence: Option<Divergence>) -> Compared {
    Compared {
        same,
        archived,
        divergence,
    }
}

fn differ(copy: &Stored, commit: &Stored) -> Option<Divergence> {
    if copy.position < commit.position {
        let position = copy.position;
        let archive = name(copy);
        return Some(Divergence::NotInLog { position, archive });
    }
    let position = commit.position;
    if copy.position > commit.position {
        let log = name(commit);
        return Some(Divergence::NotArchived { position, log });
    }
    (copy.commit.hash() != commit.commit.hash()).then(|| Divergence::Other {
        position,
        log: name(commit),
        archive: name(copy),
    })
}

fn name(stored: &Stored) -> String {
    let commit = &stored.commit;
    format!("{} version {}", commit.aggregate, commit.version)
}
