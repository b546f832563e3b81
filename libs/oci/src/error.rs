//! What can be wrong with a layout or an image: each says where, why and what to do.

use std::path::PathBuf;

use ids::Digest;

/// Why an image could not be read, unpacked or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory is no image layout, or one of a later version.
    #[error(
        "`{}` is not an OCI image layout of version 1: {why}; point at a directory that holds `oci-layout` and `blobs/`",
        path.display()
    )]
    NotALayout {
        /// The directory.
        path: PathBuf,
        /// What is missing or different.
        why: String,
    },
    /// The content is not in the layout.
    #[error(
        "{digest} is not in the image layout `{}`; copy the image there by digest and try again",
        layout.display()
    )]
    Missing {
        /// What was asked for.
        digest: Digest,
        /// Where it was looked for.
        layout: PathBuf,
    },
    /// The stored bytes have another digest than their name.
    #[error(
        "`{}` does not hold {expected} but {actual}; delete that file and copy the image again",
        path.display()
    )]
    Corrupt {
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of what is there.
        actual: Digest,
        /// The file.
        path: PathBuf,
    },
    /// The content is what its digest says, but it is not what it should be.
    #[error("{digest} is not a usable {what}: {why}; build the image again")]
    Malformed {
        /// The manifest, config or layer.
        digest: Digest,
        /// What it should be.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The index has no image for this machine.
    #[error(
        "image {digest} has no manifest for {wanted}, only for {available}; build it for {wanted} too"
    )]
    NoPlatform {
        /// The index.
        digest: Digest,
        /// This machine, as `os/architecture`.
        wanted: String,
        /// What the index offers, separated by commas.
        available: String,
    },
    /// A layer holds an entry that could reach outside the image.
    #[error("layer {layer} is refused at entry `{entry}`: {why}; build the image without it")]
    Refused {
        /// The layer.
        layer: Digest,
        /// The path in the archive, escaped.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
    /// An image to be written is not possible.
    #[error("cannot write an image with the file `{path}`: {why}")]
    BadFile {
        /// The path as given.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A tag that the layout format does not allow.
    #[error(
        "`{tag}` cannot be a tag: use letters and digits, separated by one of `-._:@/+` or `--`"
    )]
    BadTag {
        /// The tag, escaped and shortened.
        tag: String,
    },
    /// A tag that must not move names another image.
    #[error(
        "tag `{tag}` of the image layout `{}` names {by} already and is left there", layout.display()
    )]
    TagTaken {
        /// The tag.
        tag: String,
        /// What it names.
        by: String,
        /// Where.
        layout: PathBuf,
    },
    /// The file system said no.
    #[error("cannot {doing} `{}`: {cause}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system answered.
        cause: std::io::Error,
    },
}

impl Error {
    /// Whether trying again can never help, because the fault is in the image itself.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Malformed { .. }
            | Self::NoPlatform { .. }
            | Self::Refused { .. }
            | Self::BadFile { .. }
            | Self::BadTag { .. }
            | Self::TagTaken { .. } => true,
            Self::NotALayout { .. }
            | Self::Missing { .. }
            | Self::Corrupt { .. }
            | Self::Io { .. } => false,
        }
    }

    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { doing, path, cause }
    }
}
