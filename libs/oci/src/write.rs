//! Writing an image of a few files: the same input gives the same bytes on every machine of
//! one architecture, so that the same program has the same digest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ids::Digest;
use serde_json::{Value, json};

use crate::{Error, Layout, image, within};

/// What an image is to hold and how it starts.
#[derive(Debug, Clone, Default)]
pub struct ImageSpec {
    /// In any order, each path once.
    pub files: Vec<File>,
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// More arguments.
    pub cmd: Vec<String>,
    /// Name and value.
    pub env: Vec<(String, String)>,
    /// Of the manifest, such as `org.opencontainers.image.version` (annotations.md).
    pub annotations: BTreeMap<String, String>,
}

/// One file of an image.
#[derive(Debug, Clone)]
pub struct File {
    /// From the root of the image, such as `app/server`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its permission bits, such as `0o755`.
    pub mode: u32,
}

impl Layout {
    /// Writes an image of one layer for this machine's architecture and returns the digest of
    /// its manifest. It is found by digest; name it with [`Layout::tag`] for other tools.
    pub fn write_image(&self, spec: &ImageSpec) -> Result<Digest, Error> {
        let layer = archive(&spec.files)?;
        let layer_digest = self.write(&layer)?;
        let env: Vec<String> = spec
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let config = json!({
            "architecture": image::architecture(),
            "os": std::env::consts::OS,
            "config": {"Entrypoint": spec.entrypoint, "Cmd": spec.cmd, "Env": env},
            "rootfs": {"type": "layers", "diff_ids": [layer_digest.as_str()]},
        })
        .to_string();
        let config_digest = self.write(config.as_bytes())?;
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": config_digest.as_str(),
                "size": config.len(),
            },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": layer_digest.as_str(),
                "size": layer.len(),
            }],
        });
        if !spec.annotations.is_empty() {
            let annotations: serde_json::Map<String, Value> = spec
                .annotations
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().into()))
                .collect();
            manifest["annotations"] = annotations.into();
        }
        self.write(manifest.to_string().as_bytes())
    }
}

fn archive(files: &[File]) -> Result<Vec<u8>, Error> {
    let mut sorted: BTreeMap<PathBuf, &File> = BTreeMap::new();
    let mut directories: BTreeSet<PathBuf> = BTreeSet::new();
    for file in files {
        let bad = |why: &str| Error::BadFile {
            path: file.path.escape_debug().to_string(),
            why: why.into(),
        };
        let path = within::relative(Path::new(&file.path))
            .filter(|path| !path.as_os_str().is_empty() && !file.path.contains('\0'))
            .ok_or_else(|| bad("it must be a path downwards from the root of the image"))?;
        for above in path.ancestors().skip(1) {
            if !above.as_os_str().is_empty() {
                directories.insert(above.to_owned());
            }
        }
        if sorted.insert(path, file).is_some() {
            return Err(bad("it is there twice"));
        }
    }
    if let Some((path, _)) = sorted.iter().find(|(path, _)| directories.contains(*path)) {
        return Err(Error::BadFile {
            path: path.display().to_string(),
            why: "it is a file and a directory".into(),
        });
    }
    let mut tar = tar::Builder::new(Vec::new());
    let mut append = |path: &Path, kind, mode, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode & 0o777);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(bytes.len() as u64);
        tar.append_data(&mut header, path, bytes)
            .map_err(|e| Error::BadFile {
                path: path.display().to_string(),
                why: e.to_string(),
            })
    };
    for directory in &directories {
        append(directory, tar::EntryType::Directory, 0o755, &[])?;
    }
    for (path, file) in sorted {
        append(&path, tar::EntryType::Regular, file.mode, &file.bytes)?;
    }
    tar.into_inner().map_err(|e| Error::BadFile {
        path: "the archive".into(),
        why: e.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, mode: u32) -> File {
        File {
            path: path.into(),
            bytes: path.into(),
            mode,
        }
    }

    #[test]
    fn the_same_files_have_the_same_digest_in_any_order() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path()).unwrap();
        let mut spec = ImageSpec {
            files: vec![file("app/bin/server", 0o755), file("./app/version", 0o644)],
            entrypoint: vec!["/app/bin/server".into()],
            annotations: [("org.opencontainers.image.version".into(), "1".into())].into(),
            ..ImageSpec::default()
        };
        let digest = layout.write_image(&spec).unwrap();
        spec.files.reverse();
        assert_eq!(layout.write_image(&spec).unwrap(), digest);
        spec.files[0].mode = 0o600;
        assert_ne!(layout.write_image(&spec).unwrap(), digest);
    }

    #[test]
    fn paths_that_lead_elsewhere_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path()).unwrap();
        for wrong in [
            vec![""],
            vec!["/etc/passwd"],
            vec!["a/../../b"],
            vec!["a", "./a"],
            vec!["a", "a/b"],
            vec!["a\0b"],
        ] {
            let spec = ImageSpec {
                files: wrong.iter().map(|path| file(path, 0o644)).collect(),
                ..ImageSpec::default()
            };
            assert!(
                matches!(layout.write_image(&spec), Err(Error::BadFile { .. })),
                "{wrong:?}"
            );
        }
    }
}
