//! Unpacking an image into a directory: all of it or nothing, once.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use ids::Digest;
use sha2::{Digest as _, Sha256};

use crate::layer::Unpacking;
use crate::{Blob, Error, Image, Layer, Layout};

/// How the directories begin that unpacking works in. One that is left over belongs to a
/// process that was killed; see [`sweep`].
pub const TEMPORARY_PREFIX: &str = ".unpack-";

/// What one image may hold at most: beyond it, it is a decompression bomb or a mistake.
const BYTES_LIMIT: u64 = 8 * 1024 * 1024 * 1024;
const ENTRIES_LIMIT: u64 = 1_000_000;

impl Layout {
    /// Unpacks the layers of the image (or of an index's image for this machine) to the
    /// directory `into`, which appears only when it is complete. When it is there, nothing is
    /// done. Every layer is verified. Owners, times and set-id bits are not kept; devices,
    /// pipes and whatever leads out of `into` are refused (layer.md; whiteouts are applied).
    pub fn unpack(&self, digest: &Digest, into: &Path) -> Result<Image, Error> {
        let image = self.resolve(digest)?;
        if into.is_dir() {
            return Ok(image);
        }
        let parent = match into.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
        let work = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .tempdir_in(parent)
            .map_err(Error::io("create a directory in", parent))?;
        let root = work.path().join("root");
        fs::create_dir(&root).map_err(Error::io("create", &root))?;
        let mut unpacking = Unpacking::new(&root, BYTES_LIMIT, ENTRIES_LIMIT);
        for layer in &image.layers {
            self.unpack_layer(layer, &mut unpacking)?;
        }
        match fs::rename(&root, into) {
            Ok(()) => Ok(image),
            // Another thread was faster with the same image.
            Err(_) if into.is_dir() => Ok(image),
            Err(e) => Err(Error::io("create", into)(e)),
        }
    }

    fn unpack_layer(&self, layer: &Layer, unpacking: &mut Unpacking<'_>) -> Result<(), Error> {
        let mut blob = self.blob(&layer.digest)?;
        let outcome = if layer.gzip {
            let mut archive = Hashed::new(MultiGzDecoder::new(&mut blob));
            unpacking
                .layer(&layer.digest, &mut archive)
                .map(|()| archive.digest())
        } else {
            let mut archive = Hashed::new(&mut blob);
            unpacking
                .layer(&layer.digest, &mut archive)
                .map(|()| archive.digest())
        };
        // Damaged bytes make unreadable archives: say that it is damage and not a bad image.
        let actual = match outcome {
            Err(error @ (Error::Malformed { .. } | Error::Refused { .. })) => {
                blob.finish()?;
                return Err(error);
            }
            other => other?,
        };
        finish(blob, layer, &actual)
    }
}

fn finish(blob: Blob, layer: &Layer, actual: &Digest) -> Result<(), Error> {
    blob.finish()?;
    if *actual == layer.diff_id {
        return Ok(());
    }
    Err(Error::Malformed {
        digest: layer.digest.clone(),
        what: "layer",
        why: format!(
            "the config says it unpacks to {}, it is {actual}",
            layer.diff_id
        ),
    })
}

/// Removes what unpacking left in `directory` when it was killed. Nothing may be unpacked
/// there at the same time.
pub fn sweep(directory: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(TEMPORARY_PREFIX)
        {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// A stream that knows the digest of what was read.
struct Hashed<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Hashed<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            hash: Sha256::new(),
        }
    }

    fn digest(self) -> Digest {
        Digest::from_bytes(self.hash.finalize().into())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}
