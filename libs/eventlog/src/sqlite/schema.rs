//! The tables of `log.db`, and the triggers that keep them append-only.

use ids::Uuid;
use sha2::{Digest as _, Sha256};

use crate::log::LogIdentity;

/// `TPLG`: says that a database file is one of ours
/// (<https://sqlite.org/pragma.html#pragma_application_id>).
pub(crate) const APPLICATION_ID: i64 = 0x5450_4c47;

/// The version of these tables.
pub(crate) const SCHEMA: i64 = 1;

/// `bytes` comes last: what names a row is readable even when its overflow pages are not.
///
/// The triggers hold for every program that opens the file, the `sqlite3` shell included.
/// `INSERT OR REPLACE` would remove rows without firing a delete trigger, so inserting over
/// something that exists is refused as well.
pub(crate) const DDL: &str = "
CREATE TABLE meta (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  log_id BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  created_at_us INTEGER NOT NULL,
  seal BLOB NOT NULL
) STRICT;
CREATE TABLE commits (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  id BLOB NOT NULL,
  version INTEGER NOT NULL,
  commit_id BLOB NOT NULL,
  hash BLOB NOT NULL,
  bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX commits_version ON commits (kind, id, version);
CREATE UNIQUE INDEX commits_commit_id ON commits (commit_id);
CREATE TRIGGER commits_no_update BEFORE UPDATE ON commits BEGIN
  SELECT RAISE(ABORT, 'the log is append-only: a commit is never changed');
END;
CREATE TRIGGER commits_no_delete BEFORE DELETE ON commits BEGIN
  SELECT RAISE(ABORT, 'the log is append-only: a commit is never deleted');
END;
CREATE TRIGGER commits_no_replace BEFORE INSERT ON commits
WHEN (NEW.position > 0 AND NEW.position <= (SELECT coalesce(max(position), 0) FROM commits))
  OR EXISTS (SELECT 1 FROM commits WHERE commit_id = NEW.commit_id)
  OR EXISTS (SELECT 1 FROM commits
             WHERE kind = NEW.kind AND id = NEW.id AND version = NEW.version)
BEGIN
  SELECT RAISE(ABORT, 'the log is append-only: a commit is never replaced');
END;
CREATE TRIGGER meta_no_update BEFORE UPDATE ON meta
WHEN NEW.only IS NOT OLD.only OR NEW.log_id IS NOT OLD.log_id
  OR NEW.created_at_us IS NOT OLD.created_at_us OR NEW.epoch <= OLD.epoch
BEGIN
  SELECT RAISE(ABORT, 'the log keeps its identity: only its epoch is ever raised');
END;
CREATE TRIGGER meta_no_delete BEFORE DELETE ON meta BEGIN
  SELECT RAISE(ABORT, 'the log keeps its identity');
END;
CREATE TRIGGER meta_no_replace BEFORE INSERT ON meta WHEN EXISTS (SELECT 1 FROM meta) BEGIN
  SELECT RAISE(ABORT, 'the log keeps its identity');
END;
";

/// The hash that covers the identity row.
pub(crate) fn seal(identity: &LogIdentity) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"towpath.meta.v1\0")
        .chain_update(identity.log_id.as_bytes())
        .chain_update(identity.epoch.to_be_bytes())
        .chain_update(identity.created_at_us.to_be_bytes())
        .finalize()
        .into()
}

/// Reads the identity row; the text says what is wrong with it.
pub(crate) fn identity(
    log_id: &[u8],
    epoch: i64,
    created_at_us: i64,
    stored_seal: &[u8],
) -> Result<LogIdentity, String> {
    let log_id = Uuid::from_slice(log_id).map_err(|_| "the log id has not 16 bytes".to_owned())?;
    let epoch = u32::try_from(epoch).map_err(|_| format!("{epoch} is no epoch"))?;
    let identity = LogIdentity {
        log_id,
        epoch,
        created_at_us,
    };
    if seal(&identity) == stored_seal {
        Ok(identity)
    } else {
        Err(format!(
            "the identity row (log {log_id}, epoch {epoch}) does not have its hash"
        ))
    }
}
