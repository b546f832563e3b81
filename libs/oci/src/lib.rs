//! OCI image layouts on disk, without a network: read and verify content, find this machine's
//! image in an index, unpack its layers, and write small images of one's own.
//!
//! Formats: [image-spec v1.1], chapters `image-layout.md`, `descriptor.md`, `image-index.md`,
//! `manifest.md`, `config.md` and `layer.md`. Docker's equivalents of the media types are
//! understood when reading. Whatever is read is checked against its digest, so a layout needs
//! no trust beyond the digest that is asked for.
//!
//! [image-spec v1.1]: https://github.com/opencontainers/image-spec/tree/v1.1.0

#![warn(missing_docs)]

mod blob;
mod error;
mod image;
mod layer;
mod layout;
mod unpack;
pub mod within;
mod write;

pub use blob::Blob;
pub use error::Error;
pub use image::{Config, Image, Layer};
pub use layout::Layout;
pub use unpack::{TEMPORARY_PREFIX, sweep};
pub use write::{File, ImageSpec};
