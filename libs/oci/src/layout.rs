//! The directory: `oci-layout`, `index.json` and `blobs/sha256/` (image-layout.md).

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use ids::Digest;
use serde_json::{Value, json};

use crate::{Blob, Error};

/// The largest manifest, index or config that is read, in bytes: what registries must accept
/// at least (distribution-spec, "Pushing Manifests").
pub(crate) const DOCUMENT_LIMIT: u64 = 4 * 1024 * 1024;

const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// An image layout on disk. Holding one keeps nothing open or locked.
#[derive(Debug, Clone)]
pub struct Layout {
    dir: PathBuf,
}

impl Layout {
    /// Makes `dir` a layout if it is none yet, with what is missing of it.
    pub fn create(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        let blobs = dir.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(Error::io("create", &blobs))?;
        let layout = Self { dir };
        if !layout.dir.join("index.json").exists() {
            layout.replace("index.json", &empty_index())?;
        }
        if !layout.dir.join("oci-layout").exists() {
            layout.replace("oci-layout", &json!({"imageLayoutVersion": "1.0.0"}))?;
        }
        Self::open(layout.dir)
    }

    /// Opens an existing layout.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        let not = |why: String| Error::NotALayout {
            path: dir.clone(),
            why,
        };
        let marker = dir.join("oci-layout");
        let text = match fs::read(&marker) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(not(format!("`{}` is not there", marker.display())));
            }
            // What cannot be read may be one.
            Err(e) => return Err(Error::io("read", marker)(e)),
        };
        let marker: Value = serde_json::from_slice(&text)
            .map_err(|e| not(format!("`oci-layout` is not JSON: {e}")))?;
        match marker["imageLayoutVersion"].as_str() {
            Some(version) if version.starts_with("1.") => Ok(Self { dir }),
            other => Err(not(format!("its version is {other:?}"))),
        }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Whether the content is there; it is not read.
    pub fn has(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Opens content for reading; it is verified while it is read.
    pub fn blob(&self, digest: &Digest) -> Result<Blob, Error> {
        let path = self.path(digest);
        let missing = || Error::Missing {
            digest: digest.clone(),
            layout: self.dir.clone(),
        };
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(missing()),
            Err(e) => return Err(Error::io("open", path)(e)),
        };
        let kind = file.metadata().map_err(Error::io("look at", &path))?;
        if !kind.is_file() {
            return Err(missing());
        }
        Ok(Blob::new(file, path, digest.clone()))
    }

    /// The verified bytes of a small document: a manifest, an index or a config. More than
    /// 4 MiB are refused.
    pub fn document(&self, digest: &Digest, what: &'static str) -> Result<Vec<u8>, Error> {
        let mut blob = self.blob(digest)?;
        let mut bytes = Vec::new();
        let outcome = (&mut blob)
            .take(DOCUMENT_LIMIT + 1)
            .read_to_end(&mut bytes)
            .map(|_| ());
        blob.verdict(outcome)?;
        if bytes.len() as u64 > DOCUMENT_LIMIT {
            return Err(Error::Malformed {
                digest: digest.clone(),
                what,
                why: "it is larger than 4 MiB".into(),
            });
        }
        Ok(bytes)
    }

    /// Stores content under its digest; nothing is done when it is there already.
    pub fn write(&self, content: &[u8]) -> Result<Digest, Error> {
        let digest = Digest::of(content);
        let path = self.path(&digest);
        let same_size = fs::metadata(&path)
            .is_ok_and(|there| there.is_file() && there.len() == content.len() as u64);
        if !same_size {
            replace(&path, content)?;
        }
        Ok(digest)
    }

    /// Names an image in `index.json`, so that other tools find it too. The tag moves when it
    /// named another image. Several processes may do this at once.
    pub fn tag(&self, digest: &Digest, tag: &str) -> Result<(), Error> {
        self.name(digest, tag, true).map(drop)
    }

    /// The same, but a tag that names another image stays where it is, and [`Error::TagTaken`]
    /// says which. Whether the tag was there before.
    pub fn tag_once(&self, digest: &Digest, tag: &str) -> Result<bool, Error> {
        self.name(digest, tag, false)
    }

    fn name(&self, digest: &Digest, tag: &str, may_move: bool) -> Result<bool, Error> {
        if !is_tag(tag) {
            return Err(Error::BadTag {
                tag: tag.escape_debug().take(80).collect(),
            });
        }
        let document = self.document(digest, "manifest")?;
        let media_type = crate::image::media_type(digest, &document)?;
        let lock_path = self.dir.join(".index.lock");
        let lock = fs::File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
        lock.lock().map_err(Error::io("lock", &lock_path))?;
        let mut index = self.index()?;
        let entries = index
            .as_object_mut()
            .map(|index| index.entry("manifests").or_insert_with(|| json!([])))
            .and_then(Value::as_array_mut)
            .ok_or_else(|| Error::NotALayout {
                path: self.dir.clone(),
                why: "`index.json` has no list of manifests".into(),
            })?;
        let entry = json!({
            "mediaType": media_type,
            "digest": digest.as_str(),
            "size": document.len(),
            "annotations": {REF_NAME: tag},
        });
        let named = |entry: &Value| entry["annotations"][REF_NAME] == tag;
        let is_ours = |entry: &Value| entry["digest"] == digest.as_str();
        let is_there = entries.iter().any(|it| named(it) && is_ours(it));
        if let Some(other) = entries.iter().find(|it| named(it) && !is_ours(it))
            && !may_move
        {
            return Err(Error::TagTaken {
                tag: tag.to_owned(),
                by: other["digest"].as_str().unwrap_or_default().to_owned(),
                layout: self.dir.clone(),
            });
        }
        if entries.contains(&entry) || (is_there && !may_move) {
            return Ok(true);
        }
        entries.retain(|entry| entry["annotations"][REF_NAME] != tag);
        entries.push(entry);
        self.replace("index.json", &index)?;
        Ok(false)
    }

    /// The tags in `index.json` and what they name.
    pub fn tags(&self) -> Result<BTreeMap<String, Digest>, Error> {
        let index = self.index()?;
        let entries = index["manifests"].as_array().map_or(&[][..], Vec::as_slice);
        Ok(entries
            .iter()
            .filter_map(|entry| {
                let tag = entry["annotations"][REF_NAME].as_str()?;
                let digest = Digest::parse(entry["digest"].as_str()?).ok()?;
                Some((tag.to_owned(), digest))
            })
            .collect())
    }

    fn index(&self) -> Result<Value, Error> {
        let path = self.dir.join("index.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(empty_index()),
            Err(e) => return Err(Error::io("read", path)(e)),
        };
        serde_json::from_slice(&bytes).map_err(|e| Error::NotALayout {
            path: self.dir.clone(),
            why: format!("`index.json` is not JSON: {e}"),
        })
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join("blobs/sha256").join(digest.hex())
    }

    fn replace(&self, name: &str, content: &Value) -> Result<(), Error> {
        replace(&self.dir.join(name), content.to_string().as_bytes())
    }
}

fn empty_index() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [],
    })
}

/// Puts the whole content at `path` or nothing, also when the machine stops in between.
fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".tmp-")
        .permissions(fs::Permissions::from_mode(0o644))
        .tempfile_in(dir)
        .map_err(Error::io("create a file in", dir))?;
    file.write_all(content)
        .and_then(|()| file.as_file().sync_all())
        .map_err(Error::io("write", path))?;
    file.persist(path)
        .map_err(|e| Error::io("write", path)(e.error))?;
    Ok(())
}

/// `component (separator component)*` of annotations.md, "org.opencontainers.image.ref.name".
fn is_tag(tag: &str) -> bool {
    if tag.len() > 256 || !tag.is_ascii() {
        return false;
    }
    let text = tag.replace("--", "-");
    text.split(['-', '.', '_', ':', '@', '/', '+'])
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_stored_once_and_verified_when_read() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path().join("images")).unwrap();
        let digest = layout.write(b"hello").unwrap();
        assert_eq!(layout.write(b"hello").unwrap(), digest);
        assert!(layout.has(&digest));
        assert_eq!(layout.document(&digest, "text").unwrap(), b"hello");
        layout.blob(&digest).unwrap().finish().unwrap();

        fs::write(layout.path(&digest), b"hellO").unwrap();
        assert!(matches!(
            layout.blob(&digest).unwrap().finish(),
            Err(Error::Corrupt { expected, .. }) if expected == digest
        ));
        assert!(matches!(
            layout.document(&digest, "text"),
            Err(Error::Corrupt { .. })
        ));
        let missing = Digest::of(b"missing");
        assert!(matches!(layout.blob(&missing), Err(Error::Missing { .. })));
    }

    #[test]
    fn only_a_layout_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            Layout::open(dir.path()),
            Err(Error::NotALayout { .. })
        ));
        for wrong in ["", "{", "{}", r#"{"imageLayoutVersion":"2.0.0"}"#] {
            fs::write(dir.path().join("oci-layout"), wrong).unwrap();
            assert!(
                matches!(Layout::open(dir.path()), Err(Error::NotALayout { .. })),
                "{wrong}"
            );
        }
        fs::write(
            dir.path().join("oci-layout"),
            r#"{"imageLayoutVersion":"1.0.0"}"#,
        )
        .unwrap();
        Layout::open(dir.path()).unwrap();
    }

    #[test]
    fn a_tag_moves_and_leaves_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path()).unwrap();
        let manifest = |n: u32| {
            let text = json!({"schemaVersion": 2, "layers": [], "n": n,
                "mediaType": "application/vnd.oci.image.manifest.v1+json"});
            layout.write(text.to_string().as_bytes()).unwrap()
        };
        let (one, two) = (manifest(1), manifest(2));
        layout.tag(&one, "shop:1.0").unwrap();
        layout.tag(&one, "shop:latest").unwrap();
        layout.tag(&two, "shop:latest").unwrap();
        layout.tag(&two, "shop:latest").unwrap();
        let again = Layout::create(dir.path()).unwrap();
        let tags = again.tags().unwrap();
        assert_eq!(tags.len(), 2);
        assert_eq!(tags["shop:1.0"], one);
        assert_eq!(tags["shop:latest"], two);
        // One that must not move.
        assert!(layout.tag_once(&two, "shop:latest").unwrap());
        assert!(!layout.tag_once(&two, "shop-rc.0").unwrap());
        assert!(layout.tag_once(&two, "shop-rc.0").unwrap());
        let taken = layout.tag_once(&one, "shop-rc.0");
        assert!(
            matches!(&taken, Err(Error::TagTaken { by, .. }) if *by == two.as_str()),
            "{taken:?}"
        );
        assert_eq!(layout.tags().unwrap()["shop-rc.0"], two);
        assert!(matches!(layout.tag(&one, "a b"), Err(Error::BadTag { .. })));
        assert!(matches!(layout.tag(&one, ""), Err(Error::BadTag { .. })));
        assert!(matches!(
            layout.tag(&Digest::of(b"?"), "x"),
            Err(Error::Missing { .. })
        ));
    }

    #[test]
    fn threads_that_tag_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path()).unwrap();
        let digest = layout.write(br#"{"layers":[]}"#).unwrap();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (layout, digest) = (&layout, &digest);
                scope.spawn(move || {
                    for m in 0..5 {
                        layout.tag(digest, &format!("t{n}-{m}")).unwrap();
                    }
                });
            }
        });
        assert_eq!(layout.tags().unwrap().len(), 40);
    }
}
