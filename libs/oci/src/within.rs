//! Paths inside an image: resolved as if the image were the root of the file system, so that
//! no symbolic link leads out of it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

/// As many links as Linux follows in one path (`path_resolution(7)`).
const LINKS: usize = 40;

/// Why a path does not lead to something inside the root.
#[derive(Debug, thiserror::Error)]
pub enum Escape {
    /// `..` above the root.
    #[error("`{}` leads out of the image", .0.display())]
    Above(PathBuf),
    /// Links that lead to each other.
    #[error("`{}` passes more than {LINKS} symbolic links", .0.display())]
    Loop(PathBuf),
    /// The file system said no.
    #[error("cannot look up `{}`: {cause}", path.display())]
    Io {
        /// What was looked up.
        path: PathBuf,
        /// What the system answered.
        cause: io::Error,
    },
}

/// Where `path` leads inside `root`, with every symbolic link on the way resolved: links to
/// absolute paths mean inside `root`, and `..` above `root` is refused. What does not exist
/// is taken literally. The result begins with `root`, and no component after it is a link.
pub fn resolve(root: &Path, path: &Path) -> Result<PathBuf, Escape> {
    let mut pending: Vec<OsString> = Vec::new();
    push(&mut pending, path);
    let mut found: Vec<OsString> = Vec::new();
    let mut links = 0;
    while let Some(part) = pending.pop() {
        if part == OsStr::new("/") {
            found.clear();
        } else if part == OsStr::new("..") {
            if found.pop().is_none() {
                return Err(Escape::Above(path.to_owned()));
            }
        } else {
            let candidate = joined(root, &found).join(&part);
            match std::fs::read_link(&candidate) {
                Ok(target) => {
                    links += 1;
                    if links > LINKS {
                        return Err(Escape::Loop(path.to_owned()));
                    }
                    push(&mut pending, &target);
                }
                Err(e) if not_a_link(&e) => found.push(part),
                Err(cause) => {
                    return Err(Escape::Io {
                        path: candidate,
                        cause,
                    });
                }
            }
        }
    }
    Ok(joined(root, &found))
}

/// What a link at `<root>/<directory>/<name>` with this target must say so that it also stays
/// inside when the system follows it: absolute targets are turned into relative ones. None
/// when the target is above the root.
pub(crate) fn contained(directory: &Path, target: &Path) -> Option<PathBuf> {
    let depth = directory.components().count();
    let mut level = if target.is_absolute() { 0 } else { depth };
    for part in target.components() {
        match part {
            Component::ParentDir => level = level.checked_sub(1)?,
            Component::Normal(_) => level += 1,
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    let Ok(rest) = target.strip_prefix("/") else {
        return Some(target.to_owned());
    };
    let mut relative: PathBuf = std::iter::repeat_n("..", depth).collect();
    relative.push(rest);
    Some(if relative.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        relative
    })
}

/// A path of an archive or an image, as it counts from the root: `.` left out. None when it
/// is absolute or holds `..`.
pub(crate) fn relative(path: &Path) -> Option<PathBuf> {
    path.components()
        .filter(|part| !matches!(part, Component::CurDir))
        .map(|part| match part {
            Component::Normal(name) => Some(name),
            Component::RootDir
            | Component::ParentDir
            | Component::CurDir
            | Component::Prefix(_) => None,
        })
        .collect()
}

fn push(pending: &mut Vec<OsString>, path: &Path) {
    let parts: Vec<_> = path
        .components()
        .filter(|part| !matches!(part, Component::CurDir))
        .map(|part| part.as_os_str().to_owned())
        .collect();
    pending.extend(parts.into_iter().rev());
}

fn joined(root: &Path, parts: &[OsString]) -> PathBuf {
    let mut path = root.to_owned();
    path.extend(parts);
    path
}

/// `readlink` of something that is no link is EINVAL; below a file it is ENOTDIR.
fn not_a_link(e: &io::Error) -> bool {
    matches!(
        e.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_followed_as_if_the_image_were_the_root() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        std::fs::create_dir_all(root.join("usr/bin")).unwrap();
        std::fs::write(root.join("usr/bin/app"), b"").unwrap();
        symlink("usr/bin", root.join("bin")).unwrap();
        symlink("/usr/bin/app", root.join("usr/entry")).unwrap();
        symlink("../../..", root.join("usr/bin/up")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let at = |path: &str| resolve(root, Path::new(path));
        assert_eq!(at("/bin/app").unwrap(), root.join("usr/bin/app"));
        assert_eq!(at("usr/entry").unwrap(), root.join("usr/bin/app"));
        assert_eq!(at("./bin/../lib/x").unwrap(), root.join("usr/lib/x"));
        assert!(matches!(at("bin/up/etc/passwd"), Err(Escape::Above(_))));
        assert!(matches!(at("../etc/passwd"), Err(Escape::Above(_))));
        assert!(matches!(at("loop"), Err(Escape::Loop(_))));
    }

    #[test]
    fn link_targets_stay_below_the_root() {
        let at = |dir: &str, target: &str| contained(Path::new(dir), Path::new(target));
        assert_eq!(at("", "/").unwrap(), Path::new("."));
        assert_eq!(at("etc", "/usr/bin").unwrap(), Path::new("../usr/bin"));
        assert_eq!(at("a/b", "../../c").unwrap(), Path::new("../../c"));
        assert_eq!(at("a/b", "../../../c"), None);
        assert_eq!(at("a", "/../c"), None);
        assert_eq!(at("", "x/../../y"), None);
    }

    #[test]
    fn only_paths_downwards_are_relative() {
        assert_eq!(relative(Path::new("./a/./b")).unwrap(), Path::new("a/b"));
        assert_eq!(relative(Path::new("./")).unwrap(), Path::new(""));
        for wrong in ["/a", "a/../b", "..", "/"] {
            assert_eq!(relative(Path::new(wrong)), None, "{wrong}");
        }
    }
}
