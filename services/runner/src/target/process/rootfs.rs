//! From an image to what is started: unpacked once per digest, and the program found inside.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ids::Digest;
use oci::{Config, Layout, within};

/// What an image says about starting it, as paths of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) env: Vec<(String, String)>,
    pub(super) directory: PathBuf,
}

/// Why an image cannot be started.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It cannot be read or unpacked.
    #[error(transparent)]
    Oci(#[from] oci::Error),
    /// It can, but not be started.
    #[error("image {digest} cannot be started: {why}")]
    Unusable {
        /// The image.
        digest: Digest,
        /// What is wrong with it.
        why: String,
    },
}

/// Where programs without a slash are looked for, unless the image says something else.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where the images of `data` are unpacked.
pub(super) fn directory(data: &Path) -> PathBuf {
    data.join("rootfs")
}

/// Unpacked images that nothing uses are kept up to this many, the latest: a rollback finds
/// them ready.
const KEPT: usize = 10;

/// Removes what was left half unpacked and the images that are not `used`, but the latest.
/// Nothing may be unpacked at the same time. Blocks.
pub(super) fn prune(data: &Path, used: &BTreeSet<Digest>) -> io::Result<()> {
    let directory = directory(data);
    fs::create_dir_all(&directory)?;
    let used: BTreeSet<&str> = used.iter().map(Digest::hex).collect();
    let mut unused = Vec::new();
    for entry in fs::read_dir(&directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| used.contains(name)) {
            unused.push((entry.metadata()?.modified()?, name));
        }
    }
    unused.sort();
    let excess = unused.len().saturating_sub(KEPT);
    for (_, name) in unused.into_iter().take(excess) {
        // Under a name of unfinished work first: what is half removed must not look complete.
        let mut doomed = OsString::from(oci::TEMPORARY_PREFIX);
        doomed.push(&name);
        fs::rename(directory.join(name), directory.join(doomed))?;
    }
    oci::sweep(&directory)
}

/// Unpacks the image if it is not yet, and finds its program. Blocks.
pub(super) fn prepare(data: &Path, layout: &Path, digest: &Digest) -> Result<Program, Error> {
    let root = directory(data).join(digest.hex());
    let image = Layout::open(layout)?.unpack(digest, &root)?;
    program(&root, &image.config).map_err(|why| Error::Unusable {
        digest: digest.clone(),
        why,
    })
}

fn program(root: &Path, config: &Config) -> Result<Program, String> {
    let mut words = config.entrypoint.iter().chain(&config.cmd).cloned();
    let Some(name) = words.next().filter(|name| !name.is_empty()) else {
        return Err("it names neither an entry point nor a command".into());
    };
    let directory = within::resolve(root, Path::new(&config.working_dir))
        .map_err(|e| format!("its working directory: {e}"))?;
    if !directory.is_dir() {
        return Err(format!(
            "its working directory `{}` is not in it",
            config.working_dir
        ));
    }
    let path = candidates(root, &directory, config, &name)
        .into_iter()
        .map(|candidate| within::resolve(root, &candidate))
        .find(|found| found.as_ref().map_or(true, |path| path.is_file()))
        .ok_or_else(|| format!("its program `{name}` is not in it"))?
        .map_err(|e| format!("its program: {e}"))?;
    if !is_executable(&path) {
        return Err(format!("its program `{name}` may not be executed"));
    }
    Ok(Program {
        path,
        arguments: words.collect(),
        env: config.env.clone(),
        directory,
    })
}

/// Where the program may be, as paths inside the image.
fn candidates(root: &Path, directory: &Path, config: &Config, name: &str) -> Vec<PathBuf> {
    let inside = directory.strip_prefix(root).unwrap_or(Path::new(""));
    if name.contains('/') {
        // `join` of an absolute path is that path.
        return vec![inside.join(name)];
    }
    let path = config
        .env
        .iter()
        .rev()
        .find(|(variable, _)| variable == "PATH")
        .map_or(PATH, |(_, value)| value);
    path.split(':')
        .map(|entry| inside.join(entry).join(name))
        .collect()
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci::{File, ImageSpec};
    use std::os::unix::fs::symlink;

    fn config(words: &[&str], working_dir: &str) -> Config {
        Config {
            entrypoint: words.iter().map(ToString::to_string).collect(),
            working_dir: working_dir.into(),
            ..Config::default()
        }
    }

    fn root() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path().join("layout")).unwrap();
        let file = |path: &str, mode| File {
            path: path.into(),
            bytes: b"#!/bin/sh\n".into(),
            mode,
        };
        let digest = layout
            .write_image(&ImageSpec {
                files: vec![file("usr/bin/app", 0o755), file("srv/data", 0o644)],
                ..ImageSpec::default()
            })
            .unwrap();
        layout.unpack(&digest, &dir.path().join("root")).unwrap();
        dir
    }

    #[test]
    fn images_in_use_and_the_latest_others_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let digests: Vec<_> = (0..15_u8).map(|n| Digest::of(&[n])).collect();
        for digest in &digests {
            fs::create_dir_all(directory(dir.path()).join(digest.hex()).join("app")).unwrap();
        }
        fs::create_dir_all(directory(dir.path()).join(".unpack-half/app")).unwrap();
        let used = BTreeSet::from([digests[0].clone(), digests[1].clone()]);
        prune(dir.path(), &used).unwrap();
        let left = |digest: &Digest| directory(dir.path()).join(digest.hex()).exists();
        assert!(left(&digests[0]) && left(&digests[1]));
        assert!(!directory(dir.path()).join(".unpack-half").exists());
        let count = digests.iter().filter(|digest| left(digest)).count();
        assert!((KEPT + 1..=KEPT + 2).contains(&count), "{count}");
    }

    #[test]
    fn programs_are_found_inside_the_image_only() {
        let dir = root();
        let root = dir.path().join("root");
        let app = root.join("usr/bin/app");
        for words in [
            config(&["/usr/bin/app", "-x"], ""),
            config(&["app", "-x"], "/srv"),
            config(&["./app", "-x"], "usr/bin"),
            config(&["bin/app", "-x"], "/usr"),
        ] {
            let found = program(&root, &words).unwrap();
            assert_eq!(found.path, app, "{words:?}");
            assert_eq!(found.arguments, ["-x"]);
        }
        symlink("/etc/passwd", root.join("usr/bin/absolute")).unwrap();
        symlink("../../../../bin/sh", root.join("usr/bin/up")).unwrap();
        for (words, expected) in [
            (config(&["/bin/sh"], ""), "is not in it"),
            (config(&["sh"], ""), "is not in it"),
            (config(&["absolute"], ""), "is not in it"),
            (config(&["/usr/bin/up"], ""), "leads out of the image"),
            (config(&["../../bin/sh"], "/usr"), "leads out of the image"),
            (config(&["/usr/bin/app"], "../.."), "leads out of the image"),
            (config(&["/usr/bin/app"], "/nowhere"), "is not in it"),
            (config(&["/srv/data"], ""), "may not be executed"),
            (config(&["/usr/bin"], ""), "is not in it"),
            (config(&[""], ""), "neither an entry point"),
            (config(&[], ""), "neither an entry point"),
        ] {
            let why = program(&root, &words).unwrap_err();
            assert!(why.contains(expected), "{words:?}: {why}");
        }
    }
}
