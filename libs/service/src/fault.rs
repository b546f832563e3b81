//! Errors as callers see them: what, where, why, what to do, and a stable code. One table turns
//! them into gRPC and HTTP; the command line turns them into exit codes.

use std::fmt;

use eventlog::Lie;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

/// What sort of refusal or failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request is malformed.
    Invalid,
    /// No token, or one that is not accepted.
    Unauthenticated,
    /// The caller may not do that.
    Denied,
    /// There is no such thing.
    NotFound,
    /// The idempotency key was used for another request.
    KeyReused,
    /// Refused: repeating it changes nothing.
    Rejected,
    /// Lost a race five times.
    Lost,
    /// Whether it happened is not known; repeat it with the same key.
    Unknown,
    /// Too much at once, or no room.
    Exhausted,
    /// Something broke.
    Broken,
}

impl Kind {
    /// The one table: kind, gRPC code, HTTP status.
    const TABLE: [(Self, Code, u16); 10] = [
        (Self::Invalid, Code::InvalidArgument, 400),
        (Self::Unauthenticated, Code::Unauthenticated, 401),
        (Self::Denied, Code::PermissionDenied, 403),
        (Self::NotFound, Code::NotFound, 404),
        (Self::KeyReused, Code::AlreadyExists, 409),
        (Self::Rejected, Code::FailedPrecondition, 409),
        (Self::Lost, Code::Aborted, 503),
        (Self::Unknown, Code::Unavailable, 503),
        (Self::Exhausted, Code::ResourceExhausted, 429),
        (Self::Broken, Code::Internal, 500),
    ];

    /// The gRPC code.
    pub fn grpc(self) -> Code {
        self.row().1
    }

    /// The HTTP status.
    pub fn http(self) -> u16 {
        self.row().2
    }

    fn row(self) -> (Self, Code, u16) {
        Self::TABLE
            .into_iter()
            .find(|row| row.0 == self)
            .unwrap_or(Self::TABLE[9])
    }
}

/// A refusal or failure, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What sort.
    pub kind: Kind,
    /// A stable code, `kebab-case`.
    pub code: &'static str,
    /// What, where, why.
    pub message: String,
    /// What to do; empty when the message says it.
    pub fix: String,
}

impl Fault {
    /// A fault without advice.
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            message: message.into(),
            fix: String::new(),
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Something broke that the caller cannot mend.
    pub fn broken(error: impl fmt::Display) -> Self {
        Self::new(Kind::Broken, "internal", error.to_string())
            .fix("look at the server's own output; repeating the call, with the same key if it has one, is safe")
    }

    /// Why a command was not done; what the domain refuses is put into words by `rejected`.
    pub fn of_command<R>(
        error: eventlog::ExecuteError<R>,
        rejected: impl FnOnce(R) -> Self,
    ) -> Self {
        match error {
            eventlog::ExecuteError::Rejected(rejection) => rejected(rejection),
            eventlog::ExecuteError::Reused => Self::new(
                Kind::KeyReused,
                "idempotency-key-reused",
                "the idempotency key was used for another request",
            )
            .fix("send a new key with a new request; repeat a request with its own key"),
            eventlog::ExecuteError::Lost(_) => Self::new(
                Kind::Lost,
                "lost-race",
                "others changed the same thing five times meanwhile",
            )
            .fix("repeat the call, with the same key if it has one"),
            eventlog::ExecuteError::OutcomeUnknown => Self::outcome_unknown(),
            eventlog::ExecuteError::Log(error) => error.into(),
        }
    }

    fn outcome_unknown() -> Self {
        Self::new(
            Kind::Unknown,
            "outcome-unknown",
            "the log did not say whether it was stored",
        )
        .fix("repeat the call, with the same key if it has one")
    }

    /// The log goes on in a later epoch, and this process starts again to follow it.
    fn restored(error: &impl fmt::Display) -> Self {
        Self::new(Kind::Unknown, "log-restored", error.to_string()).fix(
            "this server starts again by itself; repeat the call, with the same key if it has one",
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

/// Metadata key of the stable code.
pub const CODE_KEY: &str = "towpath-code";
/// Metadata key of the advice.
pub const FIX_KEY: &str = "towpath-fix-bin";

/// A text of unknown origin, fit to be repeated: at most 80 characters, control characters escaped.
pub fn shown(text: &str) -> String {
    let first = text.chars().take(80);
    first.flat_map(char::escape_default).collect()
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        let mut status = Self::new(fault.kind.grpc(), fault.message);
        status
            .metadata_mut()
            .insert(CODE_KEY, MetadataValue::from_static(fault.code));
        if !fault.fix.is_empty() {
            status
                .metadata_mut()
                .insert_bin(FIX_KEY, MetadataValue::from_bytes(fault.fix.as_bytes()));
        }
        status
    }
}

impl From<ids::Invalid> for Fault {
    fn from(invalid: ids::Invalid) -> Self {
        Self::new(Kind::Invalid, "invalid-value", invalid.to_string())
    }
}

impl From<access::Unauthenticated> for Fault {
    fn from(why: access::Unauthenticated) -> Self {
        let code = match why {
            access::Unauthenticated::Missing => "token-missing",
            access::Unauthenticated::Unknown => "token-unknown",
            access::Unauthenticated::Revoked => "token-revoked",
            access::Unauthenticated::Expired => "token-expired",
        };
        Self::new(Kind::Unauthenticated, code, why.to_string()).fix(why.fix())
    }
}

impl From<access::Denied> for Fault {
    fn from(denied: access::Denied) -> Self {
        let fix = denied.fix();
        Self::new(Kind::Denied, "not-allowed", denied.to_string()).fix(fix)
    }
}

impl From<eventlog::ReadError> for Fault {
    fn from(error: eventlog::ReadError) -> Self {
        match &error {
            eventlog::ReadError::Unknown(_) => {
                Self::new(Kind::Rejected, "unknown-event", error.to_string())
                    .fix("upgrade this role; until then it leaves the aggregate alone, and everything else goes on")
            }
            eventlog::ReadError::Unavailable(_) => {
                Self::new(Kind::Unknown, "log-unavailable", error.to_string())
                    .fix("repeat the call, with the same key if it has one")
            }
            eventlog::ReadError::Lie(Lie::EpochAdvanced { .. }) => Self::restored(&error),
            eventlog::ReadError::Lie(lie @ Lie::ConfigChanged { .. }) => {
                Self::new(Kind::Broken, "log-lies", lie.to_string())
            }
            eventlog::ReadError::Lie(
                Lie::LogRewound { .. }
                | Lie::WrongLog { .. }
                | Lie::LogForked { .. }
                | Lie::EpochRegressed { .. }
                | Lie::Damaged { .. },
            ) => Self::new(Kind::Broken, "log-lies", error.to_string()).fix(
                "an operator restores the log: `towpath log restore --from archive --new-epoch`",
            ),
            eventlog::ReadError::Closed => {
                Self::new(Kind::Unknown, "log-closed", "this server is stopping")
                    .fix("repeat the call, with the same key if it has one, once it runs again")
            }
            eventlog::ReadError::Corrupt(_) | eventlog::ReadError::Beyond { .. } => {
                Self::broken(error)
            }
        }
    }
}

impl From<eventlog::AppendError> for Fault {
    fn from(error: eventlog::AppendError) -> Self {
        use eventlog::AppendError as E;
        match error {
            E::Full(why) => Self::new(Kind::Exhausted, "log-full", why)
                .fix("free space on the file system of the data directory, then repeat the call, with the same key if it has one; nothing was lost"),
            E::Unavailable(_) => Self::new(Kind::Unknown, "log-unavailable", error.to_string())
                .fix("repeat the call, with the same key if it has one"),
            E::Fenced { .. } => Self::restored(&error),
            E::Lie(lie) => eventlog::ReadError::Lie(lie).into(),
            E::Ambiguous(_) => Self::outcome_unknown(),
            E::Conflict { .. }
            | E::CommitIdTaken { .. }
            | E::TooLarge { .. }
            | E::Corrupt(_)
            | E::Forbidden(_) => Self::broken(error),
        }
    }
}

impl From<eventlog::LogError> for Fault {
    fn from(error: eventlog::LogError) -> Self {
        match error {
            eventlog::LogError::Append(error) => error.into(),
            eventlog::LogError::Read(error) => error.into(),
        }
    }
}

impl<R: fmt::Display + Coded> From<eventlog::ExecuteError<R>> for Fault {
    fn from(error: eventlog::ExecuteError<R>) -> Self {
        Self::of_command(error, |rejection| {
            Self::new(Kind::Rejected, rejection.code(), rejection.to_string()).fix(rejection.fix())
        })
    }
}

impl From<eventlog::projector::ReadsError> for Fault {
    fn from(error: eventlog::projector::ReadsError) -> Self {
        use eventlog::projector::ReadsError as E;
        match error {
            E::Away(_) => Self::new(Kind::Unknown, "read-models-away", error.to_string()).fix(
                "repeat the call, with the same key if it has one, once the database of the read models answers",
            ),
            E::Wrong(_) => Self::broken(error),
        }
    }
}

/// A rejection's stable code.
pub trait Coded {
    /// `kebab-case`; never changes.
    fn code(&self) -> &'static str;

    /// What to do about it.
    fn fix(&self) -> &'static str;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_keeps_its_code_and_advice_over_grpc() {
        let status =
            Status::from(Fault::new(Kind::Rejected, "digest-changed", "no").fix("ünïcode\nadvice"));
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(status.metadata().get(CODE_KEY).unwrap(), "digest-changed");
        let fix = status
            .metadata()
            .get_bin(FIX_KEY)
            .unwrap()
            .to_bytes()
            .unwrap();
        assert_eq!(fix, "ünïcode\nadvice".as_bytes());
    }

    #[test]
    fn a_log_that_is_away_or_restored_is_no_defect_and_one_that_lies_is() {
        use eventlog::{AppendError, ReadError};
        let code = |fault: Fault| Status::from(fault).code();
        let advanced = Lie::EpochAdvanced { read: 1, found: 2 };
        let rewound = Lie::LogRewound {
            read: eventlog::Position(2),
            tail: eventlog::Position(1),
        };
        for away in [
            AppendError::Unavailable("it is being restored".into()).into(),
            AppendError::Fenced { commit: 1, log: 2 }.into(),
            AppendError::Lie(advanced.clone()).into(),
            AppendError::Ambiguous("no answer".into()).into(),
            ReadError::Unavailable("it is being restored".into()).into(),
            ReadError::Lie(advanced).into(),
            ReadError::Closed.into(),
        ] {
            assert_eq!(code(away), Code::Unavailable);
        }
        assert_eq!(code(ReadError::Lie(rewound).into()), Code::Internal);
    }

    #[test]
    fn every_kind_has_its_row() {
        for (kind, code, http) in Kind::TABLE {
            assert_eq!((kind.grpc(), kind.http()), (code, http));
        }
    }
}
