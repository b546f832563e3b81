//! Why a log on NATS cannot be opened, created or restored.

use crate::corrupt::Corrupt;
use crate::log::ReadError;

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
    #[error(
        "NatsRefused: {servers} refuses user `{user}`: correct `[log] user` and the password file"
    )]
    Refused {
        /// The servers.
        servers: String,
        /// Who asked.
        user: String,
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
        "LogConfig: stream {stream} has {field} = {found}, wanted {wanted}: it was changed by \
         hand; restore the log into a new epoch, which makes the stream again"
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
