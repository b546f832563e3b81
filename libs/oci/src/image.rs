//! From a digest to what runs: index → this machine's manifest → config and layers
//! (image-index.md, manifest.md, config.md).

use ids::Digest;
use serde::Deserialize;
use serde_json::Value;

use crate::{Error, Layout};

const INDEX_TYPES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];
const MANIFEST_TYPES: [&str; 2] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// An index may name an index; nobody nests deeper.
const DEPTH: usize = 4;

/// An image for this machine, found and checked; its layers are not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The digest of the manifest, which is not the digest asked for if that was an index.
    pub manifest: Digest,
    /// How to start it.
    pub config: Config,
    /// From the lowest to the uppermost.
    pub layers: Vec<Layer>,
}

/// The part of an image's config that starting it needs (config.md, "config").
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// More arguments, or the program when there is no entry point.
    pub cmd: Vec<String>,
    /// Name and value; entries without `=` are left out.
    pub env: Vec<(String, String)>,
    /// Where to start it, as a path inside the image; empty means its root.
    pub working_dir: String,
}

/// One layer of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Of the stored, perhaps compressed bytes.
    pub digest: Digest,
    /// In bytes, as stored.
    pub size: u64,
    /// Whether the stored bytes are compressed with gzip.
    pub gzip: bool,
    /// Of the archive itself.
    pub diff_id: Digest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexDocument {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestDocument {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    size: u64,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

#[derive(Deserialize)]
struct ConfigDocument {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    config: Option<ConfigSection>,
    rootfs: RootFs,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ConfigSection {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Option<Vec<String>>,
    working_dir: Option<String>,
}

#[derive(Deserialize)]
struct RootFs {
    diff_ids: Vec<String>,
}

impl Layout {
    /// The image for this machine behind the digest of a manifest or of an index.
    pub fn resolve(&self, digest: &Digest) -> Result<Image, Error> {
        let mut at = digest.clone();
        for _ in 0..DEPTH {
            let bytes = self.document(&at, "manifest")?;
            if is_index(&at, &bytes)? {
                at = choose(&at, &bytes)?;
            } else {
                return self.image(at, &bytes);
            }
        }
        Err(malformed(digest, "index", "indexes are nested too deeply"))
    }

    fn image(&self, manifest: Digest, bytes: &[u8]) -> Result<Image, Error> {
        let document: ManifestDocument = parse(&manifest, "manifest", bytes)?;
        let config_digest = reference(&manifest, &document.config)?;
        let config_bytes = self.document(&config_digest, "config")?;
        let config: ConfigDocument = parse(&config_digest, "config", &config_bytes)?;
        let wanted = platform();
        let offered = format!("{}/{}", config.os, config.architecture);
        if !config.architecture.is_empty() && offered != wanted {
            return Err(Error::NoPlatform {
                digest: manifest,
                wanted,
                available: offered,
            });
        }
        if config.rootfs.diff_ids.len() != document.layers.len() {
            let why = format!(
                "it names {} layers, the config {}",
                document.layers.len(),
                config.rootfs.diff_ids.len()
            );
            return Err(malformed(&manifest, "manifest", why));
        }
        let layers = document
            .layers
            .iter()
            .zip(&config.rootfs.diff_ids)
            .map(|(layer, diff_id)| {
                Ok(Layer {
                    digest: reference(&manifest, layer)?,
                    size: layer.size,
                    gzip: is_gzip(&manifest, layer)?,
                    diff_id: Digest::parse(diff_id)
                        .map_err(|e| malformed(&config_digest, "config", e.to_string()))?,
                })
            })
            .collect::<Result<_, Error>>()?;
        Ok(Image {
            manifest,
            config: start(config.config.unwrap_or_default()),
            layers,
        })
    }
}

fn start(section: ConfigSection) -> Config {
    Config {
        entrypoint: section.entrypoint.unwrap_or_default(),
        cmd: section.cmd.unwrap_or_default(),
        env: section
            .env
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| entry.split_once('='))
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        working_dir: section.working_dir.unwrap_or_default(),
    }
}

/// This machine as `os/architecture`, in Go's words (image-index.md, "platform").
pub(crate) fn platform() -> String {
    format!("{}/{}", std::env::consts::OS, architecture())
}

/// This machine's architecture in Go's words.
pub(crate) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        other => other,
    }
}

/// The media type of a manifest or index, from its own field or its shape.
pub(crate) fn media_type(digest: &Digest, bytes: &[u8]) -> Result<String, Error> {
    let document: Value = parse(digest, "manifest", bytes)?;
    Ok(match document["mediaType"].as_str() {
        Some(known) => known.to_owned(),
        None if document["manifests"].is_array() => INDEX_TYPES[0].to_owned(),
        None => MANIFEST_TYPES[0].to_owned(),
    })
}

fn is_index(digest: &Digest, bytes: &[u8]) -> Result<bool, Error> {
    let media_type = media_type(digest, bytes)?;
    if INDEX_TYPES.contains(&media_type.as_str()) {
        Ok(true)
    } else if MANIFEST_TYPES.contains(&media_type.as_str()) {
        Ok(false)
    } else {
        let why = format!("its media type is `{}`", media_type.escape_debug());
        Err(malformed(digest, "image", why))
    }
}

fn choose(digest: &Digest, bytes: &[u8]) -> Result<Digest, Error> {
    let index: IndexDocument = parse(digest, "index", bytes)?;
    let wanted = platform();
    let name = |entry: &Descriptor| {
        entry
            .platform
            .as_ref()
            .map(|platform| format!("{}/{}", platform.os, platform.architecture))
    };
    let found = index
        .manifests
        .iter()
        .find(|entry| name(entry).as_deref() == Some(wanted.as_str()))
        // An index of one image without a platform is that image; its config is checked.
        .or_else(|| match index.manifests.as_slice() {
            [only] if only.platform.is_none() => Some(only),
            _ => None,
        });
    match found {
        Some(entry) => reference(digest, entry),
        None => Err(Error::NoPlatform {
            digest: digest.clone(),
            wanted,
            available: match index.manifests.iter().filter_map(name).collect::<Vec<_>>() {
                none if none.is_empty() => "no platform".to_owned(),
                some => some.join(", "),
            },
        }),
    }
}

fn is_gzip(manifest: &Digest, layer: &Descriptor) -> Result<bool, Error> {
    match layer.media_type.as_str() {
        "application/vnd.oci.image.layer.v1.tar"
        | "application/vnd.oci.image.layer.nondistributable.v1.tar"
        | "application/vnd.docker.image.rootfs.diff.tar" => Ok(false),
        "application/vnd.oci.image.layer.v1.tar+gzip"
        | "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
        | "application/vnd.docker.image.rootfs.diff.tar.gzip" => Ok(true),
        other => {
            let why = format!(
                "layer {} has the media type `{}`, only tar and tar+gzip are supported",
                layer.digest,
                other.escape_debug()
            );
            Err(malformed(manifest, "manifest", why))
        }
    }
}

fn reference(digest: &Digest, entry: &Descriptor) -> Result<Digest, Error> {
    Digest::parse(&entry.digest).map_err(|e| malformed(digest, "manifest", e.to_string()))
}

fn parse<'a, T: Deserialize<'a>>(
    digest: &Digest,
    what: &'static str,
    bytes: &'a [u8],
) -> Result<T, Error> {
    serde_json::from_slice(bytes).map_err(|e| malformed(digest, what, e.to_string()))
}

fn malformed(digest: &Digest, what: &'static str, why: impl Into<String>) -> Error {
    Error::Malformed {
        digest: digest.clone(),
        what,
        why: why.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageSpec;
    use serde_json::json;

    fn layout() -> (tempfile::TempDir, Layout) {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path()).unwrap();
        (dir, layout)
    }

    fn write(layout: &Layout, document: &Value) -> Digest {
        layout.write(document.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn an_index_leads_to_the_manifest_for_this_machine() {
        let (_dir, layout) = layout();
        let image = layout
            .write_image(&ImageSpec {
                entrypoint: vec!["/app".into()],
                env: vec![("A".into(), "b=c".into())],
                ..ImageSpec::default()
            })
            .unwrap();
        let index = write(
            &layout,
            &json!({"schemaVersion": 2, "manifests": [
                {"digest": Digest::of(b"other").as_str(), "size": 1,
                 "platform": {"os": "plan9", "architecture": "mips"}},
                {"digest": image.as_str(), "size": 1,
                 "platform": {"os": std::env::consts::OS, "architecture": architecture()}},
            ]}),
        );
        let found = layout.resolve(&index).unwrap();
        assert_eq!(found.manifest, image);
        assert_eq!(found, layout.resolve(&image).unwrap());
        assert_eq!(found.config.entrypoint, ["/app"]);
        assert_eq!(found.config.env, [("A".to_owned(), "b=c".to_owned())]);
    }

    #[test]
    fn an_index_without_this_machine_says_what_it_has() {
        let (_dir, layout) = layout();
        let index = write(
            &layout,
            &json!({"manifests": [{"digest": Digest::of(b"x").as_str(),
                "platform": {"os": "plan9", "architecture": "mips"}}]}),
        );
        let message = layout.resolve(&index).unwrap_err().to_string();
        assert!(message.contains("only for plan9/mips"), "{message}");
    }

    #[test]
    fn whatever_is_no_image_is_refused_with_its_digest() {
        let (_dir, layout) = layout();
        for document in [
            "",
            "[]",
            "{}",
            r#"{"mediaType":"application/pdf"}"#,
            r#"{"manifests":[]}"#,
            r#"{"layers":[],"config":{"digest":"sha256:../../etc/passwd"}}"#,
            "\u{0}\u{1}",
        ] {
            let digest = layout.write(document.as_bytes()).unwrap();
            let error = layout.resolve(&digest).unwrap_err();
            assert!(error.is_permanent(), "{document}: {error}");
            assert!(error.to_string().contains(digest.as_str()), "{error}");
        }
    }

    #[test]
    fn indexes_nested_for_ever_end() {
        let (_dir, layout) = layout();
        let mut digest = Digest::of(b"end");
        for _ in 0..6 {
            digest = write(
                &layout,
                &json!({"manifests": [{"digest": digest.as_str()}]}),
            );
        }
        assert!(matches!(
            layout.resolve(&digest),
            Err(Error::Malformed { .. })
        ));
    }
}
