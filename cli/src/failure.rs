//! How a command fails: a stable code, what and why, what to do, and an exit status.
//! 1 refused (no retry helps), 2 usage, 3 broke or timed out (a retry may help).

pub(crate) mod usage;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use service::fault::{CODE_KEY, FIX_KEY};
use tonic::{Code, Status};

use crate::output::Format;

/// A failure, ready to be shown.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: u8,
    code: String,
    message: String,
    fix: String,
}

impl Failure {
    fn new(exit: u8, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            exit,
            code: code.into(),
            message: message.into(),
            fix: String::new(),
        }
    }

    /// Refused: repeating it changes nothing.
    pub(crate) fn refused(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(1, code, message)
    }

    /// Asked for in a way that cannot work.
    pub(crate) fn usage(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(2, code, message)
    }

    /// Broke; trying again may help.
    pub(crate) fn broke(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(3, code, message)
    }

    /// A stream that ended before its end: said by the server, or by the connection itself.
    pub(crate) fn of_stream(status: Status) -> Self {
        if status.source().is_none() {
            return status.into();
        }
        let why = format!("the server does not answer any more: {}", root(&status));
        Self::broke("connection-lost", why)
            .fix("see whether it runs and is not stopped (`towpath status`); then begin again")
    }

    /// Its stable code.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Adds what to do.
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// Adds another thing that can be done.
    pub(crate) fn or_fix(mut self, fix: &str) -> Self {
        if !self.fix.is_empty() {
            self.fix.push_str("; ");
        }
        self.fix.push_str(fix);
        self
    }

    /// Says for an error of the system where it happened: a path, or the name of a stream.
    pub(crate) fn io(place: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::broke("io", format!("{place}: {error}"))
    }

    /// Shows it on standard error; says how to exit.
    pub(crate) fn report(&self, output: Format) -> ExitCode {
        let mut err = std::io::stderr().lock();
        let shown = match output {
            Format::Json => {
                let error = serde_json::json!({
                    "error": { "code": self.code, "message": self.message, "fix": self.fix }
                });
                writeln!(err, "{error}")
            }
            Format::Text | Format::Github | Format::Markdown | Format::Html
                if self.fix.is_empty() =>
            {
                writeln!(err, "error[{}]: {}", self.code, inert(&self.message))
            }
            Format::Text | Format::Github | Format::Markdown | Format::Html => writeln!(
                err,
                "error[{}]: {}\n  fix: {}",
                self.code,
                inert(&self.message),
                inert(&self.fix)
            ),
        };
        // Standard error is closed: the exit status still says it.
        drop(shown);
        ExitCode::from(self.exit)
    }
}

/// Text that others may have written: nothing in it can act on a terminal or turn around what
/// stands beside it, and no line of it begins like a command of a CI system (`::`), which looks
/// behind blanks, too.
fn inert(text: &str) -> String {
    let turns = |it: char| {
        matches!(
            it,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        ) || ('\u{202a}'..='\u{202e}').contains(&it)
            || ('\u{2066}'..='\u{2069}').contains(&it)
    };
    let mut shown = String::with_capacity(text.len());
    for it in text.chars() {
        match it {
            '\n' => shown.push_str("\n  | "),
            '\t' => shown.push(it),
            _ if it.is_control() || turns(it) => shown.extend(it.escape_unicode()),
            _ => shown.push(it),
        }
    }
    shown
}

/// The cause at the bottom: what stands above it says only that there was one.
pub(crate) fn root(error: &(dyn Error + 'static)) -> String {
    let mut at = error;
    while let Some(next) = at.source() {
        at = next;
    }
    at.to_string()
}

/// Whether our own patience ended, and not that of somebody who answered.
fn is_late(status: &Status) -> bool {
    let mut at = status.source();
    while let Some(error) = at {
        if error.is::<tonic::TimeoutExpired>() {
            return true;
        }
        at = error.source();
    }
    false
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let exit = match status.code() {
            Code::InvalidArgument => 2,
            Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => 1,
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => 3,
        };
        let text = |key| {
            status
                .metadata()
                .get(key)
                .and_then(|it| it.to_str().ok())
                .map(str::to_owned)
        };
        let code = text(CODE_KEY).unwrap_or_else(|| format!("{:?}", status.code()).to_lowercase());
        let fix = status
            .metadata()
            .get_bin(FIX_KEY)
            .and_then(|it| it.to_bytes().ok());
        let fix = fix
            .map(|it| String::from_utf8_lossy(&it).into_owned())
            .unwrap_or_default();
        if is_late(&status) {
            return Self::broke(
                "no-answer",
                "the server did not answer in time; what was asked for may have been done",
            )
            .fix(
                "see whether it runs and is not stopped (`towpath status`); then repeat the \
                 command, with the same --idempotency-key if it has one",
            );
        }
        Self {
            exit,
            code,
            message: status.message().to_owned(),
            fix,
        }
    }
}

impl From<service::config::Error> for Failure {
    fn from(error: service::config::Error) -> Self {
        Self::usage("configuration", error.to_string())
    }
}

impl From<repository::Error> for Failure {
    fn from(error: repository::Error) -> Self {
        use repository::Error;
        let said = error.to_string();
        match error {
            Error::Unsupported { .. } => Self::refused("unsupported-repository", said).fix(
                "use a clone with SHA-1 names and references as files, which is git's default",
            ),
            Error::NoRepository { .. } => Self::usage("no-repository", said)
                .fix("name a git repository, or a directory in one, with --repo"),
            Error::NoSuchRevision { .. } => Self::refused("no-such-revision", said)
                .fix("if it exists elsewhere, fetch it first"),
            Error::Shallow { .. } => Self::refused("shallow_history", said)
                .fix("fetch the rest of the history: git fetch --unshallow"),
            Error::Broken { .. } => Self::broke("repository", said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_acts_on_nothing() {
        let plain = "a plain text, ümlauts too";
        assert_eq!(inert(plain), plain);
        let shown = inert("x\u{1b}[2J\u{202e}y\r\n::error::z");
        assert_eq!(shown, "x\\u{1b}[2J\\u{202e}y\\u{d}\n  | ::error::z");
    }
}
