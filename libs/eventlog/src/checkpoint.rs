//! Where a reader of the log stood, and whether the log is still the one it read.

use ids::Uuid;

use crate::log::{EventLog, Position, ReadError};

/// What a reader keeps, in the same transaction as what it made of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Of which log.
    pub log_id: Uuid,
    /// The log's epoch then.
    pub epoch: u32,
    /// The last position read.
    pub position: Position,
    /// The hash of the commit there; zeros at position 0.
    pub hash: [u8; 32],
}

/// How the log is not the one that was read. Whoever meets it stops and says so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lie {
    /// The log ends before what was read.
    #[error(
        "LogRewound: position {read} was read before, but the log ends at {tail}: commits at its \
         end were lost; restore the log from an export, or, to give up what was lost, remove \
         the read database and start again"
    )]
    LogRewound {
        /// What was read.
        read: Position,
        /// Where the log ends now.
        tail: Position,
    },
    /// Another log.
    #[error(
        "WrongLog: log {expected} was read before, but this is log {found}: put the right log \
         back, or use the data directory that belongs to this one"
    )]
    WrongLog {
        /// The log that was read.
        expected: Uuid,
        /// The log found.
        found: Uuid,
    },
    /// The same log with another history.
    #[error(
        "LogForked: the commit at position {at} is not the one that was read before: the log's \
         history was replaced; restore the log from an export"
    )]
    LogForked {
        /// Where they differ at the latest.
        at: Position,
    },
    /// An older copy of the log.
    #[error(
        "EpochRegressed: epoch {read} was read before, but the log is in epoch {found}: it is an \
         older copy; put the restored log back"
    )]
    EpochRegressed {
        /// The epoch that was read.
        read: u32,
        /// The epoch found.
        found: u32,
    },
    /// The log was restored into a later epoch; whoever follows this one starts again.
    #[error(
        "EpochAdvanced: the log was restored into epoch {found} while this process follows epoch \
         {read}: restart this process"
    )]
    EpochAdvanced {
        /// The epoch that was read.
        read: u32,
        /// The epoch found.
        found: u32,
    },
    /// The log holds what no role writes: a process that has a role's password and is none.
    #[error(
        "LogDamaged: what the log holds at position {at} is no commit ({why}): somebody wrote it who \
         is no role; change the NATS passwords, then restore the log from the archive"
    )]
    Damaged {
        /// Where.
        at: Position,
        /// What is wrong with it.
        why: String,
    },
    /// The server keeps the log under other rules than those that were checked.
    #[error(
        "LogConfig: stream {stream} has {field} = {found}, wanted {wanted}: {}",
        crate::nats::mend(field)
    )]
    ConfigChanged {
        /// The stream.
        stream: String,
        /// The field, as the server calls it.
        field: String,
        /// What it must be.
        wanted: String,
        /// What it is.
        found: String,
    },
}

/// Why a checkpoint was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The log lies.
    #[error(transparent)]
    Lie(#[from] Lie),
    /// The log gave no answer, or is damaged.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Checkpoint {
    /// Before everything in a log.
    pub fn start(identity: &crate::log::LogIdentity) -> Self {
        Self {
            log_id: identity.log_id,
            epoch: identity.epoch,
            position: Position::default(),
            hash: [0; 32],
        }
    }
}

/// Says whether the log still is what the checkpoint read.
pub async fn check(log: &dyn EventLog, checkpoint: &Checkpoint) -> Result<(), CheckError> {
    let identity = log.identity().await?;
    if identity.log_id != checkpoint.log_id {
        return Err(Lie::WrongLog {
            expected: checkpoint.log_id,
            found: identity.log_id,
        }
        .into());
    }
    if identity.epoch < checkpoint.epoch {
        return Err(Lie::EpochRegressed {
            read: checkpoint.epoch,
            found: identity.epoch,
        }
        .into());
    }
    let Some(before) = checkpoint.position.0.checked_sub(1) else {
        return Ok(());
    };
    let tail = log.tail().await?.position;
    if tail < checkpoint.position {
        let read = checkpoint.position;
        return Err(Lie::LogRewound { read, tail }.into());
    }
    let there = log.read(Position(before), 1).await?;
    let same = there.first().is_some_and(|it| {
        it.position == checkpoint.position && it.commit.hash() == checkpoint.hash
    });
    if same {
        Ok(())
    } else {
        let at = checkpoint.position;
        Err(Lie::LogForked { at }.into())
    }
}
