//! What can go wrong with a registry, told apart by what a person has to do about it.

use std::time::Duration;

use ids::Digest;

/// Why a registry did not do what was asked. No text holds a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address cannot be one.
    #[error("`{shown}` is not the address of a registry: {why}")]
    Address {
        /// The address, escaped.
        shown: String,
        /// What is wrong and what would be right.
        why: String,
    },
    /// The registry sends us for a token to a host that nobody named.
    #[error(
        "{place} asks for a token from {realm}, which is not named as a realm of its credentials"
    )]
    Realm {
        /// The registry.
        place: String,
        /// The host it names.
        realm: String,
    },
    /// No answer.
    #[error("{place} cannot be reached: {why}")]
    Unreachable {
        /// The registry.
        place: String,
        /// What failed.
        why: String,
    },
    /// No credentials, or others are needed.
    #[error("{place} refuses the credentials ({status}); give some that may read and write there")]
    Denied {
        /// Registry and repository.
        place: String,
        /// 401 or 403.
        status: u16,
    },
    /// Too many requests.
    #[error("{place} is busy (429)")]
    Busy {
        /// The registry.
        place: String,
        /// How long it wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The registry broke.
    #[error("{place} broke: {why}")]
    Broken {
        /// Registry and repository.
        place: String,
        /// Its status, or what was wrong with the answer.
        why: String,
    },
    /// The registry refuses the request itself.
    #[error("{place} refuses it ({status}): {why}")]
    Refused {
        /// Registry, repository and tag.
        place: String,
        /// The status.
        status: u16,
        /// Its own words, shortened and escaped.
        why: String,
    },
    /// The content is not what its name says.
    #[error("{place} answers {actual} when asked for {expected}")]
    Corrupt {
        /// Registry and repository.
        place: String,
        /// What was asked for.
        expected: Digest,
        /// What came.
        actual: Digest,
    },
}

impl Error {
    /// Whether the same call may succeed later without anybody changing the request.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Denied { .. }
            | Self::Busy { .. }
            | Self::Broken { .. } => true,
            Self::Address { .. }
            | Self::Realm { .. }
            | Self::Refused { .. }
            | Self::Corrupt { .. } => false,
        }
    }

    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "registry-address",
            Self::Realm { .. } => "registry-realm",
            Self::Unreachable { .. } => "registry-unreachable",
            Self::Denied { .. } => "registry-denied",
            Self::Busy { .. } => "registry-busy",
            Self::Broken { .. } => "registry-broken",
            Self::Refused { .. } => "registry-refused",
            Self::Corrupt { .. } => "image-corrupt",
        }
    }
}
