//! One commit: what a writer drafts, what is sealed, hashed and stored as written.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use ids::{AggregateId, CommitId, Uuid};
use prost::Message as _;
use proto::log::v1::Commit;
pub use proto::log::v1::EventRecord;
use sha2::{Digest as _, Sha256};

use crate::corrupt::{Corrupt, Place};
use crate::log::Position;

/// What the hash of a commit begins with, so that it is never mistaken for another hash.
const DOMAIN: &[u8] = b"towpath.commit.v1\0";

/// The end of an aggregate: what the next commit has to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// The last version; 0 when nothing was stored yet.
    pub version: u64,
    /// The hash of the last commit; zeros when nothing was stored yet.
    pub hash: [u8; 32],
}

impl Head {
    /// Of an aggregate that has no commit yet.
    pub const NONE: Self = Self {
        version: 0,
        hash: [0; 32],
    };
}

/// What a writer wants to have happened, before it is bound to a place in the log.
#[derive(Debug, Clone)]
pub struct Draft {
    /// On which aggregate.
    pub aggregate: AggregateId,
    /// Never stored twice in one log, for ever.
    pub commit_id: CommitId,
    /// Microseconds since 1970-01-01 UTC, by the writer's clock.
    pub recorded_at_us: i64,
    /// Who caused it: an identity's name, or a role such as `cd-manager`.
    pub actor: String,
    /// What this belongs to, such as a deployment.
    pub correlation: Option<Uuid>,
    /// The commit that led to this one.
    pub causation: Option<CommitId>,
    /// SHA-256 of the request, when the command carried an idempotency key.
    pub request_hash: Option<[u8; 32]>,
    /// W3C trace context of the command, when it was traced.
    pub traceparent: Option<String>,
    /// 1..n events that happened together.
    pub events: Vec<EventRecord>,
}

/// What a sealed commit says, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// On which aggregate.
    pub aggregate: AggregateId,
    /// Dense per aggregate, from 1.
    pub version: u64,
    /// Never stored twice in one log.
    pub commit_id: CommitId,
    /// The hash of the aggregate's commit before this one; zeros for the first.
    pub prev_hash: [u8; 32],
    /// The log's epoch when it was written.
    pub epoch: u32,
    /// Microseconds since 1970-01-01 UTC, by the writer's clock.
    pub recorded_at_us: i64,
    /// Who caused it.
    pub actor: String,
    /// What this belongs to.
    pub correlation: Option<Uuid>,
    /// The commit that led to this one.
    pub causation: Option<CommitId>,
    /// SHA-256 of the request that asked for it.
    pub request_hash: Option<[u8; 32]>,
    /// W3C trace context of the command, when it was traced.
    pub traceparent: Option<String>,
    /// What happened.
    pub events: Vec<EventRecord>,
}

/// A commit with the exact bytes that are stored and hashed
/// (`proto/towpath/log/v1/commit.proto`); the bytes are never encoded again. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCommit {
    body: Arc<Body>,
    bytes: Bytes,
    hash: [u8; 32],
}

impl Deref for SealedCommit {
    type Target = Body;

    fn deref(&self) -> &Body {
        &self.body
    }
}

impl SealedCommit {
    /// Binds a draft to the version after `head`, in the log's `epoch`, and encodes it once.
    pub fn seal(draft: Draft, head: &Head, epoch: u32) -> Self {
        let message = Commit {
            aggregate_kind: draft.aggregate.kind().to_owned(),
            aggregate_id: uuid_bytes(Some(draft.aggregate.id())),
            version: head.version + 1,
            commit_id: uuid_bytes(Some(draft.commit_id.0)),
            prev_hash: Bytes::copy_from_slice(&head.hash),
            epoch,
            recorded_at_us: draft.recorded_at_us,
            actor: draft.actor.clone(),
            correlation: uuid_bytes(draft.correlation),
            causation: uuid_bytes(draft.causation.map(|it| it.0)),
            request_hash: draft
                .request_hash
                .map(|it| Bytes::copy_from_slice(&it))
                .unwrap_or_default(),
            events: draft.events.clone(),
            traceparent: draft.traceparent.clone().unwrap_or_default(),
        };
        let bytes = Bytes::from(message.encode_to_vec());
        let hash = hash(&head.hash, &bytes);
        let body = Arc::new(Body {
            aggregate: draft.aggregate,
            version: head.version + 1,
            commit_id: draft.commit_id,
            prev_hash: head.hash,
            epoch,
            recorded_at_us: draft.recorded_at_us,
            actor: draft.actor,
            correlation: draft.correlation,
            causation: draft.causation,
            request_hash: draft.request_hash,
            traceparent: draft.traceparent,
            events: draft.events,
        });
        Self { body, bytes, hash }
    }

    /// Reads stored bytes and checks that they have the stored hash. What cannot be read is
    /// named as far as it can be.
    pub fn open(bytes: Bytes, stored_hash: [u8; 32]) -> Result<Self, Corrupt> {
        let unreadable = |why: String| Corrupt::Undecodable {
            at: Box::default(),
            why,
        };
        let message = Commit::decode(bytes.clone()).map_err(|e| unreadable(e.to_string()))?;
        let body = body(message).map_err(unreadable)?;
        if hash(&body.prev_hash, &bytes) != stored_hash {
            return Err(Corrupt::HashMismatch {
                at: Place::new(&body.aggregate, body.version, None).into(),
            });
        }
        if body.version == 0 || body.events.is_empty() {
            return Err(Corrupt::Undecodable {
                at: Place::new(&body.aggregate, body.version, None).into(),
                why: "a commit has a version from 1 and at least one event".into(),
            });
        }
        Ok(Self {
            body: Arc::new(body),
            bytes,
            hash: stored_hash,
        })
    }

    /// The bytes that are stored.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// SHA-256 over the domain tag, the previous hash and the bytes.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// What the next commit of the aggregate has to follow.
    pub fn head(&self) -> Head {
        Head {
            version: self.body.version,
            hash: self.hash,
        }
    }
}

/// A commit and where the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its position in the log.
    pub position: Position,
    /// The commit.
    pub commit: SealedCommit,
}

fn hash(prev: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(DOMAIN)
        .chain_update(prev)
        .chain_update(bytes)
        .finalize()
        .into()
}

fn uuid_bytes(id: Option<Uuid>) -> Bytes {
    id.map(|it| Bytes::copy_from_slice(it.as_bytes()))
        .unwrap_or_default()
}

fn body(message: Commit) -> Result<Body, String> {
    let id = required("aggregate_id", uuid(&message.aggregate_id, "aggregate_id")?)?;
    let aggregate =
        AggregateId::parse_parts(&message.aggregate_kind, id).map_err(|e| e.to_string())?;
    let commit_id = CommitId(required(
        "commit_id",
        uuid(&message.commit_id, "commit_id")?,
    )?);
    let prev_hash = required("prev_hash", digest(&message.prev_hash, "prev_hash")?)?;
    Ok(Body {
        aggregate,
        version: message.version,
        commit_id,
        prev_hash,
        epoch: message.epoch,
        recorded_at_us: message.recorded_at_us,
        actor: message.actor,
        correlation: uuid(&message.correlation, "correlation")?,
        causation: uuid(&message.causation, "causation")?.map(CommitId),
        request_hash: digest(&message.request_hash, "request_hash")?,
        traceparent: (!message.traceparent.is_empty()).then_some(message.traceparent),
        events: message.events,
    })
}

fn required<T>(field: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| format!("`{field}` is empty"))
}

fn uuid(bytes: &Bytes, field: &str) -> Result<Option<Uuid>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    Uuid::from_slice(bytes)
        .map(Some)
        .map_err(|_| format!("`{field}` has {} bytes, not 16", bytes.len()))
}

fn digest(bytes: &Bytes, field: &str) -> Result<Option<[u8; 32]>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    <[u8; 32]>::try_from(bytes.as_ref())
        .map(Some)
        .map_err(|_| format!("`{field}` has {} bytes, not 32", bytes.len()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A draft on `slot:<n>` with one small event.
    pub(crate) fn draft(n: u128, commit_id: u128) -> Draft {
        Draft {
            aggregate: AggregateId::new("slot", Uuid::from_u128(n)),
            commit_id: CommitId(Uuid::from_u128(commit_id)),
            recorded_at_us: 1_700_000_000_000_000,
            actor: "ci".into(),
            correlation: Some(Uuid::from_u128(9)),
            causation: None,
            request_hash: Some([7; 32]),
            traceparent: None,
            events: vec![EventRecord {
                kind: "towpath.test.v1.Happened".into(),
                schema: 1,
                payload: Bytes::from_static(b"payload"),
            }],
        }
    }

    #[test]
    fn what_was_sealed_opens_to_the_same() {
        let sealed = SealedCommit::seal(draft(1, 2), &Head::NONE, 1);
        let opened = SealedCommit::open(sealed.bytes().clone(), sealed.hash()).unwrap();
        assert_eq!(opened, sealed);
        assert_eq!(opened.head().version, 1);
    }

    #[test]
    fn a_trace_context_is_stored_and_none_changes_no_byte() {
        let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let mut traced = draft(1, 2);
        traced.traceparent = Some(traceparent.to_owned());
        let sealed = SealedCommit::seal(traced, &Head::NONE, 1);
        let opened = SealedCommit::open(sealed.bytes().clone(), sealed.hash()).unwrap();
        assert_eq!(opened.traceparent.as_deref(), Some(traceparent));
        let plain = SealedCommit::seal(draft(1, 2), &Head::NONE, 1);
        assert_eq!(
            sealed.bytes().len(),
            plain.bytes().len() + 2 + traceparent.len()
        );
        assert!(sealed.bytes().starts_with(plain.bytes()));
    }

    #[test]
    fn every_flipped_bit_of_the_bytes_and_of_the_hash_is_found() {
        let sealed = SealedCommit::seal(draft(1, 2), &Head::NONE, 1);
        for bit in 0..sealed.bytes().len() * 8 {
            let mut bytes = sealed.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(
                SealedCommit::open(bytes.into(), sealed.hash()).is_err(),
                "bit {bit}"
            );
        }
        for bit in 0..256 {
            let mut hash = sealed.hash();
            hash[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(
                SealedCommit::open(sealed.bytes().clone(), hash),
                Err(Corrupt::HashMismatch { .. })
            ));
        }
    }

    #[test]
    fn a_truncated_commit_is_found_at_every_length() {
        let sealed = SealedCommit::seal(draft(1, 2), &Head::NONE, 1);
        for length in 0..sealed.bytes().len() {
            assert!(SealedCommit::open(sealed.bytes().slice(..length), sealed.hash()).is_err());
        }
    }

    /// A changed value here means that no stored log could be read any more.
    #[test]
    fn the_sealed_form_never_changes() {
        let sealed = SealedCommit::seal(draft(1, 2), &Head::NONE, 1);
        assert_eq!(
            ids::Digest::from_bytes(sealed.hash()).hex(),
            "876ed8a30765b93eafd5725bf5ea9dd70d9a410f9a52dcce33feb1216871c084"
        );
    }
}
