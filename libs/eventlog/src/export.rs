//! Writing a log as one file that proves itself.
//!
//! ```text
//! header  "towpath.export.v1\n"  log id (16)  epoch (u32)  created at (i64 µs)
//! record  length of the bytes (u32, never 0)  hash (32)  sealed bytes      repeated
//! footer  0 (u32)  count (u64)  digest (32)
//! ```
//! Numbers are big-endian. The digest is SHA-256 over the header and every hash, in order; each
//! hash covers its bytes. Nothing follows the footer.

use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use crate::commit::Stored;
use crate::log::{EventLog, LogIdentity, Position, ReadError};

/// What an export begins with.
pub(crate) const MAGIC: &[u8] = b"towpath.export.v1\n";

/// Commits read at once.
const PAGE: usize = 1024;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported {
    /// Which log.
    pub identity: LogIdentity,
    /// How many commits.
    pub commits: u64,
    /// The digest in the footer: two exports with the same digest hold the same history.
    pub digest: [u8; 32],
}

/// Why an export is not complete.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The log.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output.
    #[error("writing the export: {0}; the file is incomplete, remove it")]
    Write(#[from] io::Error),
}

/// The header, which the digest begins with.
pub(crate) fn header(identity: &LogIdentity) -> Vec<u8> {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(identity.log_id.as_bytes());
    header.extend_from_slice(&identity.epoch.to_be_bytes());
    header.extend_from_slice(&identity.created_at_us.to_be_bytes());
    header
}

/// Writes everything that the log holds at this moment.
pub async fn export(
    log: &dyn EventLog,
    mut out: impl Write + Send,
) -> Result<Exported, ExportError> {
    let identity = log.identity().await?;
    let until = log.tail().await?.position;
    let header = header(&identity);
    let mut digest = Sha256::new_with_prefix(&header);
    out.write_all(&header)?;
    let mut commits = 0;
    let mut after = Position::default();
    while after < until {
        let page = log.read(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.position;
        for stored in page.iter().filter(|it| it.position <= until) {
            record(&mut out, stored)?;
            digest.update(stored.commit.hash());
            commits += 1;
        }
    }
    let digest: [u8; 32] = digest.finalize().into();
    out.write_all(&0_u32.to_be_bytes())?;
    out.write_all(&u64::to_be_bytes(commits))?;
    out.write_all(&digest)?;
    out.flush()?;
    Ok(Exported {
        identity,
        commits,
        digest,
    })
}

fn record(out: &mut impl Write, stored: &Stored) -> io::Result<()> {
    let bytes = stored.commit.bytes();
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_be_bytes())?;
    out.write_all(&stored.commit.hash())?;
    out.write_all(bytes)
}
