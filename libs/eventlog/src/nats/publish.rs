//! One message to the log, guarded, and what the server made of it.

use async_nats::client::Request;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::response::Response;
use async_nats::{HeaderMap, RequestErrorKind};

use super::Shared;
use super::api::codes;
use super::message;
use crate::commit::SealedCommit;

/// What the server made of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Stored, at this position.
    Stored(u64),
    /// A message with this id was stored lately, at this position.
    Repeated(u64),
    /// Another commit has the version, or is about to.
    Stale(u64),
    /// A message with this id is on its way.
    InProcess,
    /// The subject belongs to another stream now.
    OtherStream,
    /// No room.
    Full(String),
    /// Larger than the stream takes.
    TooLarge,
    /// This user may not.
    Forbidden(String),
    /// Nobody took it: not stored.
    Untaken(String),
    /// No answer: stored or not.
    Unknown(String),
}

/// What guards a message.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(
    feature = "unfenced",
    expect(dead_code, reason = "the fences are compiled out")
)]
pub(super) struct Guard {
    /// The position of the last commit of the aggregate; 0 for none.
    pub(super) last: u64,
    /// Tells a message id from one that the server holds on to although its message was lost.
    pub(super) attempt: u32,
}

impl Shared {
    /// Sends a commit once.
    pub(super) async fn publish(&self, commit: &SealedCommit, guard: Guard) -> Answer {
        let subject = message::subject(&self.prefix, &commit.aggregate);
        let mut headers = message::headers(commit);
        headers.insert("Nats-Expected-Stream", self.stream.as_str());
        fence(&mut headers, commit, guard);
        let request = Request::new()
            .headers(headers)
            .payload(commit.bytes().clone())
            .timeout(Some(self.api.timeouts.request));
        let reply = match self.client.send_request(subject.clone(), request).await {
            Ok(reply) => reply,
            Err(error) => {
                return match error.kind() {
                    RequestErrorKind::NoResponders => Answer::Untaken(
                        "no stream takes the message: it has no leader, or it is gone".into(),
                    ),
                    RequestErrorKind::MaxPayloadExceeded => Answer::TooLarge,
                    RequestErrorKind::InvalidSubject => Answer::Forbidden(error.to_string()),
                    RequestErrorKind::TimedOut | RequestErrorKind::Other => {
                        match self.link.denied(&subject) {
                            Some(why) => Answer::Forbidden(format!(
                                "{why}: another role writes this; `[log] user` names the NATS \
                                 user of the role"
                            )),
                            None => Answer::Unknown(error.to_string()),
                        }
                    }
                };
            }
        };
        match serde_json::from_slice::<Response<PublishAck>>(&reply.payload) {
            Ok(Response::Ok(ack)) if ack.duplicate => Answer::Repeated(ack.sequence),
            Ok(Response::Ok(ack)) => Answer::Stored(ack.sequence),
            Ok(Response::Err { error }) => refused(error.error_code().0, &error.to_string()),
            Err(error) => Answer::Unknown(format!("not an acknowledgement: {error}")),
        }
    }
}

/// The two headers without which two writers could both win. Compiled out only to prove that
/// the tests would see it.
#[cfg(not(feature = "unfenced"))]
fn fence(headers: &mut HeaderMap, commit: &SealedCommit, guard: Guard) {
    headers.insert(
        "Nats-Expected-Last-Subject-Sequence",
        guard.last.to_string(),
    );
    let mut id = format!("{}:{}", commit.aggregate, commit.version);
    if guard.attempt > 0 {
        id = format!("{id}#{}", guard.attempt + 1);
    }
    headers.insert("Nats-Msg-Id", id);
}

#[cfg(feature = "unfenced")]
fn fence(_headers: &mut HeaderMap, _commit: &SealedCommit, _guard: Guard) {}

fn refused(code: u64, text: &str) -> Answer {
    match code {
        codes::STREAM_WRONG_LAST_SEQUENCE | codes::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => {
            Answer::Stale(code)
        }
        codes::STREAM_DUPLICATE_IN_PROCESS => Answer::InProcess,
        codes::STREAM_NOT_MATCH => Answer::OtherStream,
        codes::STREAM_MESSAGE_EXCEEDS_MAXIMUM | codes::STREAM_HEADER_EXCEEDS_MAXIMUM => {
            Answer::TooLarge
        }
        code if codes::NO_ROOM.contains(&code) => Answer::Full(text.to_owned()),
        code if codes::PASSING.contains(&code) => Answer::Untaken(text.to_owned()),
        // 10077 and whatever comes: the text says what the store said.
        _ if text.contains("maximum") || text.contains("no space") => Answer::Full(text.to_owned()),
        _ => Answer::Unknown(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_codes_of_a_lost_race_are_conflicts() {
        assert_eq!(
            refused(10071, "wrong last sequence: 5"),
            Answer::Stale(10071)
        );
        assert_eq!(refused(10164, "wrong last sequence"), Answer::Stale(10164));
        assert_eq!(refused(10158, "in process"), Answer::InProcess);
        assert_eq!(refused(10060, "other stream"), Answer::OtherStream);
    }

    #[test]
    fn a_full_store_is_told_from_an_unknown_outcome() {
        for (code, text) in [
            (10047, "insufficient storage resources available"),
            (10077, "maximum bytes exceeded"),
            (10077, "write: no space left on device"),
        ] {
            assert!(
                matches!(refused(code, text), Answer::Full(_)),
                "{code} {text}"
            );
        }
        assert!(matches!(refused(10077, "store closed"), Answer::Unknown(_)));
        assert!(matches!(refused(10008, "unavailable"), Answer::Untaken(_)));
    }
}
