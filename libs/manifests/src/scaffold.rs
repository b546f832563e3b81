//! Proposals for a repository that has no manifests yet: which of its files hold versions, and
//! the `plainFiles` entries that would say so.

mod find;
mod write;

use serde::Serialize;

use crate::pointer::Pointer;
use crate::template::Template;

pub use find::propose;
pub use write::{Names, manifests};

/// A file that looks like it holds the version of one application in one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// Guessed from the path.
    pub environment: String,
    /// Guessed from the keys, the image or the path.
    pub application: String,
    /// The file.
    pub file: String,
    /// Where in it.
    #[serde(serialize_with = "as_text")]
    pub pointer: Pointer,
    /// How the value is written.
    #[serde(serialize_with = "as_text")]
    pub value: Template,
    /// What stands there now.
    pub current: String,
    /// Why it was proposed.
    pub reason: &'static str,
}

fn as_text<S: serde::Serializer>(it: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&it.to_string())
}
