//! Why a log on NATS cannot be opened, created or restored.

use crate::corrupt::Corrupt;
use crate::log::ReadError;

/// What to do about a setting of the stream that is not as it must be.
pub(crate) fn mend(field: &str) -> &'static str {
    if field == NUM_REPLICAS {
        return "the servers keep fewer copies than `[log] replicas` says: correct that setting, \
                or have an operator of NATS raise the number of replicas of the stream; nothing \
                has to be restored";
    }
    "it was changed by hand; restore the log into a new epoch, which makes the stream again"
}

/// The field that may be changed while the log is in use.
pub(super) const NUM_REPLICAS: &str = "num_replicas";

fn refused(user: &str) -> String {
    if user.is_empty() {
        return "whoever names no user: set `[log] user` and `[log] password_file`".into();
    }
    format!("user `{user}`: correct `[log] user`, or the password in `[log] password_file`")
}

/// Why a log on NATS cannot be opened, created or restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No server answers.
    #[error(
        "NatsUnreachable: no server of {servers} accepts us ({why}): start NATS, or correct \
         `[log] url`"
    )]
    Unreachable {
        /// Where it was looked for.
        servers: String,
        /// What came instead.
        why: String,
    },
    /// The server knows no such user, or another password.
    #[error("NatsRefused: {servers} refuses {}", refused(user))]
    Refused {
        /// The servers.
        servers: String,
        /// Who asked.
        user: String,
    },
    /// The server knows the user, who may not do what was asked for.
    #[error(
        "NatsDenied: the NATS user `{user}` may not do this ({why}): `[log] user` names another \
         user than this command or role needs; `towpath nats-config` says who may do what"
    )]
    Denied {
        /// Who asked.
        user: String,
        /// What the server said.
        why: String,
    },
    /// The server's version is one on which the log can lose or double commits.
    #[error("NatsVersion: nats-server {found} {why}: run nats-server {wanted} or newer")]
    Version {
        /// Its version.
        found: String,
        /// What is wrong with it.
        why: String,
        /// The least that will do.
        wanted: String,
    },
    /// The server takes no message as large as a commit can be.
    #[error(
        "NatsMaxPayload: the server takes messages of {found} bytes, a commit needs {wanted}: set \
         `max_payload: 2MB` in nats-server.conf"
    )]
    MaxPayload {
        /// What it takes.
        found: usize,
        /// What is needed.
        wanted: usize,
    },
    /// The options contradict each other.
    #[error("NatsOptions: {0}")]
    Options(String),
    /// There is no stream.
    #[error(
        "LogMissing: no stream on {servers} holds `{subjects}`: run `towpath migrate` once with \
         the operator's credentials"
    )]
    Missing {
        /// The servers.
        servers: String,
        /// What it would hold.
        subjects: String,
    },
    /// A restore did not come to its end.
    #[error(
        "LogRestoring: stream {stream} is being restored, or a restore was interrupted: wait, or \
         run `towpath log restore` again"
    )]
    Restoring {
        /// The stream.
        stream: String,
    },
    /// A stream that says not which log it is.
    #[error(
        "LogIdentity: stream {stream} does not say which log it is (its description is \
         `{found}`): it was made by hand or changed; restore the log into a new epoch"
    )]
    Identity {
        /// The stream.
        stream: String,
        /// Its description.
        found: String,
    },
    /// The stream has other settings than the log needs.
    #[error(
        "LogConfig: stream {stream} has {field} = {found}, wanted {wanted}: {}",
        mend(field)
    )]
    Config {
        /// The stream.
        stream: String,
        /// The field, as the server calls it.
        field: String,
        /// What it must be.
        wanted: String,
        /// What it is.
        found: String,
    },
    /// The server refused an operation.
    #[error("NatsOperation: {what}: {why}")]
    Failed {
        /// What was asked for.
        what: String,
        /// What the server said.
        why: String,
    },
    /// What is stored is damaged.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// The log gave no answer.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl OpenError {
    /// Whether a restore makes it go away. What is wrong with the server, the user or a setting
    /// of this side stays, whatever is restored.
    pub fn is_mended_by_restoring(&self) -> bool {
        match self {
            Self::Config { field, .. } => field != NUM_REPLICAS,
            Self::Read(error) => match error {
                ReadError::Corrupt(_) | ReadError::Beyond { .. } | ReadError::Lie(_) => true,
                ReadError::Unavailable(_) | ReadError::Unknown(_) | ReadError::Closed => false,
            },
            Self::Missing { .. }
            | Self::Restoring { .. }
            | Self::Identity { .. }
            | Self::Corrupt(_) => true,
            Self::Unreachable { .. }
            | Self::Failed { .. }
            | Self::Refused { .. }
            | Self::Denied { .. }
            | Self::Version { .. }
            | Self::MaxPayload { .. }
            | Self::Options(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(field: &str) -> OpenError {
        OpenError::Config {
            stream: "TP_EVT".into(),
            field: field.into(),
            wanted: "3".into(),
            found: "1".into(),
        }
    }

    #[test]
    fn fewer_copies_than_configured_are_a_matter_of_the_setting_and_not_of_restoring() {
        let fewer = config(NUM_REPLICAS);
        let text = fewer.to_string();
        assert!(
            text.contains("`[log] replicas`") && !text.contains("restore the log"),
            "{text}"
        );
        assert!(!fewer.is_mended_by_restoring());
        let edited = config("deny_purge");
        assert!(edited.to_string().contains("restore the log"));
        assert!(edited.is_mended_by_restoring());
    }

    #[test]
    fn a_refused_user_names_the_settings() {
        for user in ["", "runner"] {
            let refused = OpenError::Refused {
                servers: "nats://nats:4222".into(),
                user: user.into(),
            };
            let text = refused.to_string();
            assert!(
                text.contains("`[log] user`") && text.contains("`[log] password_file`"),
                "{text}"
            );
        }
    }
}
