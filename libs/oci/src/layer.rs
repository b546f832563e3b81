//! Applying the entries of one layer's archive to a directory (layer.md), refusing whatever
//! could reach outside it.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use ids::Digest;

use crate::{Error, within};

const WHITEOUT: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// A directory that layers are being applied to, from the lowest to the uppermost.
pub(crate) struct Unpacking<'a> {
    root: &'a Path,
    bytes_left: u64,
    entries_left: u64,
}

/// Why an entry was not applied: the fault of the archive, or of this machine.
enum Fault {
    Refused(String),
    Io(&'static str, PathBuf, io::Error),
}

impl From<within::Escape> for Fault {
    fn from(escape: within::Escape) -> Self {
        Self::Refused(escape.to_string())
    }
}

fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Fault {
    let path = path.to_owned();
    move |cause| Fault::Io(doing, path, cause)
}

fn refused<T>(why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Refused(why.into()))
}

impl<'a> Unpacking<'a> {
    pub(crate) fn new(root: &'a Path, bytes_limit: u64, entries_limit: u64) -> Self {
        Self {
            root,
            bytes_left: bytes_limit,
            entries_left: entries_limit,
        }
    }

    /// Applies one layer and reads `archive` to its end.
    pub(crate) fn layer(&mut self, digest: &Digest, archive: &mut impl Read) -> Result<(), Error> {
        let malformed = |cause: io::Error| Error::Malformed {
            digest: digest.clone(),
            what: "layer",
            why: format!("its archive cannot be read: {cause}"),
        };
        // What this layer added: its whiteouts hide only what lies below.
        let mut added = BTreeSet::new();
        let mut tar = tar::Archive::new(&mut *archive);
        for entry in tar.entries().map_err(malformed)? {
            let mut entry = entry.map_err(malformed)?;
            let shown = OsStr::from_bytes(&entry.path_bytes())
                .to_string_lossy()
                .escape_debug()
                .take(200)
                .collect::<String>();
            self.entry(&mut entry, &mut added)
                .map_err(|fault| match fault {
                    Fault::Refused(why) => Error::Refused {
                        layer: digest.clone(),
                        entry: shown,
                        why,
                    },
                    Fault::Io(_, _, cause) if is_archive_fault(&cause) => malformed(cause),
                    Fault::Io(doing, path, cause) => Error::Io { doing, path, cause },
                })?;
        }
        // The padding belongs to the digest too.
        let padding =
            io::copy(&mut archive.take(self.bytes_left), &mut io::sink()).map_err(malformed)?;
        self.bytes_left -= padding;
        Ok(())
    }

    fn entry<R: Read>(
        &mut self,
        entry: &mut tar::Entry<'_, R>,
        added: &mut BTreeSet<PathBuf>,
    ) -> Result<(), Fault> {
        let Some(entries_left) = self.entries_left.checked_sub(1) else {
            return refused("the image holds more than 1,000,000 entries");
        };
        self.entries_left = entries_left;
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            return Ok(());
        }
        let raw = entry.path_bytes().into_owned();
        let Some(path) = within::relative(Path::new(OsStr::from_bytes(&raw))) else {
            return refused("its path is absolute or holds `..`");
        };
        if raw.contains(&0) {
            return refused("its path holds a NUL byte");
        }
        let Some(name) = path.file_name().map(|name| name.as_bytes().to_owned()) else {
            return self.root_itself(entry);
        };
        let above = within::resolve(self.root, path.parent().unwrap_or(Path::new("")))?;
        if name == OPAQUE {
            return clear(&above, added);
        }
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            return hide(&above, hidden, added);
        }
        directories(&above)?;
        let at = above.join(OsStr::from_bytes(&name));
        if kind.is_dir() {
            directory(&at, entry.header())?;
        } else if kind.is_file() || kind.is_contiguous() || kind.is_gnu_sparse() {
            self.file(&at, entry)?;
        } else if kind.is_symlink() {
            self.symbolic_link(&above, &at, entry)?;
        } else if kind.is_hard_link() {
            self.hard_link(&at, entry)?;
        } else {
            return refused("only files, directories and links are unpacked");
        }
        // Its directories are this layer's too, so that a whiteout does not take them away.
        for path in at.ancestors().take_while(|path| *path != self.root) {
            if !added.insert(path.to_owned()) {
                break;
            }
        }
        Ok(())
    }

    fn root_itself<R: Read>(&self, entry: &tar::Entry<'_, R>) -> Result<(), Fault> {
        if entry.header().entry_type().is_dir() {
            return directory(self.root, entry.header());
        }
        refused("the root of an image must be a directory")
    }

    fn file<R: Read>(&mut self, at: &Path, entry: &mut tar::Entry<'_, R>) -> Result<(), Fault> {
        let size = entry.size();
        let Some(bytes_left) = self.bytes_left.checked_sub(size) else {
            return refused("the image holds more than 8 GiB");
        };
        self.bytes_left = bytes_left;
        let mode = entry.header().mode().unwrap_or(0o644) & 0o777 | 0o400;
        remove(at)?;
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(at)
            .map_err(io("create", at))?;
        let copied = io::copy(&mut entry.take(size), &mut file).map_err(io("write", at))?;
        if copied != size {
            let cause = io::ErrorKind::UnexpectedEof.into();
            return Err(Fault::Io("read", at.to_owned(), cause));
        }
        // Not `mode` of open(2): the umask would take bits away.
        file.set_permissions(fs::Permissions::from_mode(mode))
            .map_err(io("set the mode of", at))
    }

    fn symbolic_link<R: Read>(
        &self,
        above: &Path,
        at: &Path,
        entry: &tar::Entry<'_, R>,
    ) -> Result<(), Fault> {
        let target = link_name(entry)?;
        let inside = above.strip_prefix(self.root).unwrap_or(Path::new(""));
        let Some(target) = within::contained(inside, &target) else {
            return refused(format!(
                "it is a link out of the image, to `{}`",
                target.display()
            ));
        };
        remove(at)?;
        symlink(&target, at).map_err(io("create", at))
    }

    fn hard_link<R: Read>(&self, at: &Path, entry: &tar::Entry<'_, R>) -> Result<(), Fault> {
        let named = link_name(entry)?;
        let path = within::relative(&named).filter(|path| path.file_name().is_some());
        let Some(path) = path else {
            return refused(format!("it is a link to `{}`", named.display()));
        };
        let above = within::resolve(self.root, path.parent().unwrap_or(Path::new("")))?;
        let target = above.join(path.file_name().unwrap_or_default());
        let is_file = fs::symlink_metadata(&target).is_ok_and(|found| found.is_file());
        if !is_file {
            return refused(format!(
                "it is a link to `{}`, which is no file",
                named.display()
            ));
        }
        if target == at {
            return Ok(());
        }
        remove(at)?;
        fs::hard_link(&target, at).map_err(io("create", at))
    }
}

/// An opaque whiteout: nothing of the lower layers is seen in this directory.
fn clear(directory: &Path, added: &BTreeSet<PathBuf>) -> Result<(), Fault> {
    let entries = match fs::read_dir(directory) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => return Ok(()),
        other => other.map_err(io("read", directory))?,
    };
    for entry in entries {
        let path = entry.map_err(io("read", directory))?.path();
        if !added.contains(&path) {
            remove(&path)?;
        } else if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            clear(&path, added)?;
        }
    }
    Ok(())
}

/// A whiteout: this name of the lower layers is not seen.
fn hide(above: &Path, hidden: &[u8], added: &BTreeSet<PathBuf>) -> Result<(), Fault> {
    if hidden.is_empty() || hidden == b"." || hidden == b".." {
        return refused("it is a whiteout of no name");
    }
    let path = above.join(OsStr::from_bytes(hidden));
    if added.contains(&path) {
        return clear(&path, added);
    }
    remove(&path)
}

/// Makes the directory and those above it.
fn directories(path: &Path) -> Result<(), Fault> {
    fs::create_dir_all(path).map_err(|e| {
        let in_the_way = [io::ErrorKind::NotADirectory, io::ErrorKind::AlreadyExists];
        if in_the_way.contains(&e.kind()) {
            Fault::Refused("a file is where its directory should be".into())
        } else {
            Fault::Io("create", path.to_owned(), e)
        }
    })
}

fn directory(at: &Path, header: &tar::Header) -> Result<(), Fault> {
    let mode = header.mode().unwrap_or(0o755) & 0o777 | 0o700;
    // A link is replaced: an entry says what is there, not where to look.
    let is_directory = fs::symlink_metadata(at).is_ok_and(|found| found.is_dir());
    if !is_directory {
        remove(at)?;
        fs::create_dir(at).map_err(io("create", at))?;
    }
    fs::set_permissions(at, fs::Permissions::from_mode(mode)).map_err(io("set the mode of", at))
}

/// Takes away whatever is at `path`; a link is taken away, not followed.
fn remove(path: &Path) -> Result<(), Fault> {
    let result = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match result {
        Err(e)
            if matches!(
                e.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(())
        }
        other => other.map_err(io("remove", path)),
    }
}

fn link_name<R: Read>(entry: &tar::Entry<'_, R>) -> Result<PathBuf, Fault> {
    match entry.link_name_bytes() {
        Some(name) if !name.is_empty() && !name.contains(&0) => {
            Ok(PathBuf::from(OsStr::from_bytes(&name)))
        }
        _ => refused("it is a link to nowhere"),
    }
}

/// Whether the archive ended or lied, as opposed to a full disk. `tar` and `flate2` make such
/// errors themselves, without a number of the system.
fn is_archive_fault(cause: &io::Error) -> bool {
    cause.raw_os_error().is_none()
}
