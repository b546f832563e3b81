//! A commit as a message: the sealed bytes are the payload, headers repeat what has to be known
//! without decoding them.

use async_nats::HeaderMap;
use bytes::Bytes;
use ids::{AggregateId, CommitId, Uuid};

use crate::commit::{SealedCommit, Stored};
use crate::corrupt::{Corrupt, Place};
use crate::log::Position;

const HASH: &str = "Tp-Hash";
const VERSION: &str = "Tp-Version";
const COMMIT: &str = "Tp-Commit-Id";

/// `<prefix>.<kind>.<id in hex>`.
pub(super) fn subject(prefix: &str, aggregate: &AggregateId) -> String {
    format!("{prefix}.{}.{}", aggregate.kind(), aggregate.id().simple())
}

/// What is known of a commit without its payload.
pub(super) struct Glance {
    pub(super) commit_id: CommitId,
    pub(super) hash: [u8; 32],
}

/// The headers that stay with a commit for ever.
pub(super) fn headers(commit: &SealedCommit) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let hash = ids::Digest::from_bytes(commit.hash());
    headers.insert(HASH, hash.hex());
    headers.insert(VERSION, commit.version.to_string());
    headers.insert(COMMIT, commit.commit_id.0.simple().to_string());
    headers
}

/// Reads the headers alone.
pub(super) fn glance(position: u64, headers: &HeaderMap) -> Result<Glance, Corrupt> {
    let broken = |header: &str| Corrupt::Undecodable {
        at: Place::at(Position(position)).into(),
        why: format!("header `{header}` is missing or malformed"),
    };
    let text = |header: &str| headers.get(header).map(async_nats::HeaderValue::as_str);
    let hash = text(HASH).and_then(from_hex).ok_or_else(|| broken(HASH))?;
    let commit_id = text(COMMIT)
        .and_then(|it| Uuid::try_parse(it).ok())
        .ok_or_else(|| broken(COMMIT))?;
    Ok(Glance {
        commit_id: CommitId(commit_id),
        hash,
    })
}

/// Reads a whole message, and checks that subject, headers and bytes tell the same.
pub(super) fn open(
    prefix: &str,
    position: u64,
    subject_of: &str,
    headers: &HeaderMap,
    payload: Bytes,
) -> Result<Stored, Corrupt> {
    let at = Place::at(Position(position));
    let seen = glance(position, headers)?;
    let commit = SealedCommit::open(payload, seen.hash).map_err(|it| it.at_row(&at))?;
    let differs = |column| Corrupt::IndexMismatch {
        at: Place::new(&commit.aggregate, commit.version, Some(Position(position))).into(),
        column,
    };
    if subject(prefix, &commit.aggregate) != subject_of {
        return Err(differs("subject"));
    }
    if seen.commit_id != commit.commit_id {
        return Err(differs(COMMIT));
    }
    let version = headers.get(VERSION).map(async_nats::HeaderValue::as_str);
    if version != Some(commit.version.to_string().as_str()) {
        return Err(differs(VERSION));
    }
    Ok(Stored {
        position: Position(position),
        commit,
    })
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::Head;
    use crate::commit::tests::draft;

    fn message() -> (SealedCommit, String, HeaderMap) {
        let commit = SealedCommit::seal(draft(1, 2), &Head::NONE, 1);
        let subject = subject("tp.evt", &commit.aggregate);
        let headers = headers(&commit);
        (commit, subject, headers)
    }

    #[test]
    fn a_commit_comes_back_from_its_message() {
        let (commit, subject, headers) = message();
        assert_eq!(subject, "tp.evt.slot.00000000000000000000000000000001");
        let stored = open("tp.evt", 7, &subject, &headers, commit.bytes().clone()).unwrap();
        assert_eq!(stored.commit, commit);
        assert_eq!(stored.position, Position(7));
    }

    #[test]
    fn whatever_differs_from_the_bytes_is_named() {
        let (commit, subject, headers) = message();
        let named = |subject: &str, headers: &HeaderMap| {
            let opened = open("tp.evt", 7, subject, headers, commit.bytes().clone());
            opened.unwrap_err().to_string()
        };
        let elsewhere = subject.replace("slot", "build");
        assert!(named(&elsewhere, &headers).contains("`subject`"));
        for header in [HASH, VERSION, COMMIT] {
            let mut changed = headers.clone();
            changed.insert(header, "5");
            assert!(named(&subject, &changed).contains(header), "{header}");
            let mut other = headers.clone();
            other.insert(header, "0".repeat(if header == HASH { 64 } else { 32 }));
            assert!(named(&subject, &other).contains("position 7"), "{header}");
        }
    }
}
