//! Idempotency keys: same key and body, same answer; same key and another body, refused.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use eventlog::{Context, Idempotency};
use ids::{CommitId, Uuid, derive};
use sha2::Digest as _;

use crate::authn;
use crate::fault::{Fault, Kind};

/// Metadata and header name.
pub const HEADER: &str = "idempotency-key";

/// How many keys are remembered of calls that stored nothing. Those that stored something are
/// remembered by the log, for ever.
const REMEMBERED: usize = 10_000;

/// Turns keys into commit ids and remembers which body came with which key.
#[derive(Debug, Default)]
pub struct Keys(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    bodies: BTreeMap<Uuid, [u8; 32]>,
    order: VecDeque<Uuid>,
}

impl Keys {
    /// The idempotency of one call.
    ///
    /// # Errors
    /// [`Kind::KeyReused`] when the key came with another body, [`Kind::Invalid`] when it is
    /// empty or longer than 256 bytes.
    pub fn take(
        &self,
        caller: &str,
        method: &str,
        key: &str,
        body: &[u8],
    ) -> Result<Idempotency, Fault> {
        if key.is_empty() || key.len() > 256 || key.chars().any(char::is_control) {
            return Err(Fault::new(
                Kind::Invalid,
                "idempotency-key-invalid",
                format!(
                    "`{HEADER}` must have 1-256 printable characters, not {}",
                    key.len()
                ),
            )
            .fix("send the same key when you repeat a request, a new one for a new request"));
        }
        let id = derive::commit(caller, method, key);
        let hash: [u8; 32] = sha2::Sha256::digest(body).into();
        let mut seen = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match seen.bodies.get(&id) {
            Some(before) if *before != hash => {
                return Err(Fault::new(
                    Kind::KeyReused,
                    "idempotency-key-reused",
                    "the idempotency key was used for another request",
                )
                .fix("send a new key with a new request; repeat a request with its own key"));
            }
            Some(_) => {}
            None => {
                seen.bodies.insert(id, hash);
                seen.order.push_back(id);
                if seen.order.len() > REMEMBERED
                    && let Some(oldest) = seen.order.pop_front()
                {
                    seen.bodies.remove(&oldest);
                }
            }
        }
        Ok(Idempotency {
            commit_id: CommitId(id),
            request_hash: hash,
        })
    }

    /// What a gRPC call that changes something is recorded with: who calls, and under which key.
    /// What records nothing uses up no key.
    ///
    /// # Errors
    /// Nobody was authenticated; the key is missing, or as in [`Keys::take`].
    pub fn context<T: prost::Message>(
        &self,
        request: &tonic::Request<T>,
        method: &str,
        dry_run: bool,
        now_us: i64,
    ) -> Result<Context, Fault> {
        let caller = authn::principal(request)?;
        let key = required(request)?;
        let body = request.get_ref().encode_to_vec();
        let idempotency = if dry_run {
            None
        } else {
            Some(self.take(&caller.name, method, key, &body)?)
        };
        Ok(Context {
            actor: caller.name,
            now_us,
            idempotency,
            correlation: None,
            causation: None,
        })
    }
}

/// The key of a gRPC call that changes something.
///
/// # Errors
/// [`Kind::Invalid`] when it is missing or not text.
pub fn required<T>(request: &tonic::Request<T>) -> Result<&str, Fault> {
    request
        .metadata()
        .get(HEADER)
        .and_then(|it| it.to_str().ok())
        .ok_or_else(|| {
            Fault::new(
                Kind::Invalid,
                "idempotency-key-missing",
                format!("this call changes something and needs `{HEADER}` in its metadata"),
            )
            .fix("send any text that is new for a new request and the same when you repeat one")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_belongs_to_one_body_of_one_caller_and_method() {
        let keys = Keys::default();
        let first = keys.take("a", "m", "k", b"1").unwrap();
        assert_eq!(keys.take("a", "m", "k", b"1").unwrap(), first);
        assert_eq!(
            keys.take("a", "m", "k", b"2").unwrap_err().kind,
            Kind::KeyReused
        );
        assert_ne!(
            keys.take("b", "m", "k", b"2").unwrap().commit_id,
            first.commit_id
        );
        assert!(keys.take("a", "m", "", b"1").is_err());
        assert!(keys.take("a", "m", &"x".repeat(257), b"1").is_err());
    }

    #[test]
    fn memory_is_bounded() {
        let keys = Keys::default();
        for n in 0..REMEMBERED + 5 {
            keys.take("a", "m", &n.to_string(), b"1").unwrap();
        }
        assert_eq!(keys.0.lock().unwrap().bodies.len(), REMEMBERED);
    }
}
