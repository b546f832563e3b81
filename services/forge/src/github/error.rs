//! Why GitHub did not do what it was asked for.

use std::error::Error as _;
use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::config::Problem;

/// Characters of its own words that are repeated.
const REPEATED: usize = 200;
/// How long nobody asks again after a refusal: it takes a person to change that.
const REFUSED: Duration = Duration::from_mins(1);

/// Why GitHub did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    /// It does not answer, or broke.
    #[error("{what}: {why}")]
    Away {
        /// The request.
        what: String,
        /// What happened.
        why: String,
    },
    /// It asks to be left alone for a while.
    #[error("{what}: GitHub takes no more requests for {} s: {why}", .pause.as_secs())]
    Limited {
        /// The request.
        what: String,
        /// What it said.
        why: String,
        /// For how long.
        pause: Duration,
    },
    /// It will not, before somebody changes something.
    #[error("{what}: GitHub answers {status}: {why}; {fix}")]
    Refused {
        /// The request.
        what: String,
        /// The status.
        status: u16,
        /// What it said.
        why: String,
        /// What would help.
        fix: &'static str,
    },
    /// Nobody can be asked before somebody mends our own side.
    #[error("{0}")]
    Unready(Problem),
}

impl Error {
    /// It does not answer.
    pub(super) fn away(what: &str, why: String) -> Self {
        let what = what.to_owned();
        Self::Away { what, why }
    }

    /// What is not in the form that the description gives it.
    pub(super) fn odd(what: &str, error: &serde_json::Error) -> Self {
        Self::away(what, format!("its answer cannot be read: {error}"))
    }

    /// How long nobody should ask again, and whether that goes for every repository.
    pub(super) fn pause(&self) -> Option<(Duration, bool)> {
        match self {
            Self::Limited { pause, .. } => Some((*pause, true)),
            Self::Refused { status: 401, .. } => Some((REFUSED, true)),
            // It may be that one thing that is not there, and nothing else of the repository.
            Self::Refused { .. } if self.is_absent() => None,
            Self::Refused { .. } => Some((REFUSED, false)),
            Self::Away { .. } | Self::Unready(_) => None,
        }
    }

    /// Whether asking again may help without anybody changing anything.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Away { .. } | Self::Limited { .. } => true,
            Self::Refused { .. } | Self::Unready(_) => false,
        }
    }

    /// Whether it says that there is no such thing.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 404 | 410,
                ..
            }
        )
    }
}

#[derive(Debug, Default, Deserialize)]
struct Said {
    #[serde(default)]
    message: String,
}

/// The error that an answer is; nothing for one that is none, and for those that callers
/// understand by themselves.
pub(super) fn of_status(
    what: &str,
    status: StatusCode,
    body: &[u8],
    limit: Option<Duration>,
) -> Option<Error> {
    if status.is_success() || status == StatusCode::UNPROCESSABLE_ENTITY {
        return None;
    }
    let said: Said = serde_json::from_slice(body).unwrap_or_default();
    let why: String = said
        .message
        .chars()
        .filter(|it| !it.is_control())
        .take(REPEATED)
        .collect();
    let (what, code) = (what.to_owned(), status.as_u16());
    // A limit without a time of its own is one of the secondary limits.
    let secondary = || why.contains("secondary rate limit").then_some(REFUSED);
    let is_limit = matches!(code, 403 | 429);
    if let Some(pause) = limit.or_else(secondary).filter(|_| is_limit) {
        return Some(Error::Limited { what, why, pause });
    }
    if status.is_server_error() || code == 429 {
        let why = format!("GitHub answers {code}: {why}");
        return Some(Error::Away { what, why });
    }
    Some(Error::Refused {
        what,
        status: code,
        why,
        fix: fix(code),
    })
}

fn fix(status: u16) -> &'static str {
    match status {
        301 | 302 | 307 | 308 => {
            "the repository was renamed: its new name is used from its next webhook on"
        }
        401 => "the token is not accepted: write a new one into forge.github.token_file",
        403 => "give the token leave to write pull requests of this repository",
        404 | 410 => {
            "it is not there, or the token may not see it: give it leave to read this repository"
        }
        _ => "look at the token and at the repository's settings",
    }
}

/// The last reason of an error: those above it repeat the address.
pub(super) fn root(error: &reqwest::Error) -> String {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    error
        .source()
        .map_or_else(|| error.to_string(), |_| last.to_string())
}
