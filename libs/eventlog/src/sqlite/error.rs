//! What the database says, in the words of the log.

use std::path::Path;

use crate::corrupt::{Corrupt, Place};
use crate::log::{AppendError, ReadError};

/// Kinds of database trouble that are told apart
/// (result codes: <https://sqlite.org/rescode.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    Full,
    ReadOnly,
    CannotOpen,
    Damaged,
    NotADatabase,
    Busy,
    /// A statement that can never work: wrong SQL, wrong types, a violated constraint.
    Mistake,
    Other,
}

/// `SQLITE_IOERR_SHMSIZE`: the shared-memory file could not grow.
const SHM_SIZE: u32 = 4874;

/// Classifies by the primary result code.
pub(crate) fn trouble(error: &sqlx::Error) -> Trouble {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|it| it.parse::<u32>().ok());
    match code {
        Some(SHM_SIZE) => Trouble::Full,
        Some(code) => match code & 0xff {
            13 => Trouble::Full,
            8 => Trouble::ReadOnly,
            14 => Trouble::CannotOpen,
            11 => Trouble::Damaged,
            26 => Trouble::NotADatabase,
            5 | 6 => Trouble::Busy,
            1 | 19 | 20 | 21 | 25 => Trouble::Mistake,
            _ => Trouble::Other,
        },
        None if matches!(
            error,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)
        ) =>
        {
            Trouble::Mistake
        }
        None => Trouble::Other,
    }
}

/// A write that surely stored nothing.
pub(crate) fn append(error: &sqlx::Error, path: &Path) -> AppendError {
    let path = path.display();
    match trouble(error) {
        Trouble::Full => AppendError::Full(format!(
            "no room for {path}: free space on that file system; appends go on by themselves"
        )),
        Trouble::ReadOnly | Trouble::CannotOpen => AppendError::Unavailable(format!(
            "{path} cannot be written ({error}): make the file and its directory writable"
        )),
        Trouble::Damaged | Trouble::NotADatabase => AppendError::Corrupt(damaged(error)),
        Trouble::Busy => AppendError::Unavailable(format!(
            "{path} is locked by another program ({error}): end that program"
        )),
        Trouble::Mistake | Trouble::Other => AppendError::Unavailable(format!("{path}: {error}")),
    }
}

/// A read without an answer.
pub(crate) fn read(error: &sqlx::Error, path: &Path) -> ReadError {
    if matches!(error, sqlx::Error::PoolClosed) {
        return ReadError::Closed;
    }
    match trouble(error) {
        Trouble::Damaged | Trouble::NotADatabase => ReadError::Corrupt(damaged(error)),
        Trouble::Full => ReadError::Unavailable(format!(
            "no room beside {}: free space on that file system",
            path.display()
        )),
        Trouble::ReadOnly
        | Trouble::CannotOpen
        | Trouble::Busy
        | Trouble::Mistake
        | Trouble::Other => ReadError::Unavailable(format!("{}: {error}", path.display())),
    }
}

fn damaged(error: &sqlx::Error) -> Corrupt {
    Corrupt::Damaged {
        at: Box::<Place>::default(),
        why: error.to_string(),
    }
}
