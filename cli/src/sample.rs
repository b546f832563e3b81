//! Images of the sample application, which this binary carries (see `build.rs`).

use ids::Digest;
use oci::{Error, File, ImageSpec, Layout};

/// The program, for this machine.
const SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/sample-server"));

/// Writes an image of the sample application that answers this name and version, tagged
/// `<name>:<version>`. With `broken`, its health probe answers 500 and this text. The same
/// arguments give the same digest.
pub(crate) fn write_image(
    layout: &Layout,
    name: &str,
    version: &str,
    broken: Option<&str>,
) -> Result<Digest, Error> {
    let file = |path: &str, bytes: &[u8], mode| File {
        path: path.to_owned(),
        bytes: bytes.to_owned(),
        mode,
    };
    let mut files = vec![
        file("app/server", SERVER, 0o755),
        file("app/name", name.as_bytes(), 0o644),
        file("app/version", version.as_bytes(), 0o644),
    ];
    files.extend(broken.map(|why| file("app/broken", why.as_bytes(), 0o644)));
    let annotation = |key: &str, value: &str| {
        let key = format!("org.opencontainers.image.{key}");
        (key, value.to_owned())
    };
    let digest = layout.write_image(&ImageSpec {
        files,
        entrypoint: vec!["/app/server".to_owned()],
        annotations: [annotation("title", name), annotation("version", version)].into(),
        ..ImageSpec::default()
    })?;
    layout.tag(&digest, &format!("{name}:{version}"))?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_written_once_per_version_and_can_be_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path().join("layout")).unwrap();
        let one = write_image(&layout, "shop", "1.0.0", None).unwrap();
        assert_eq!(write_image(&layout, "shop", "1.0.0", None).unwrap(), one);
        let two = write_image(&layout, "shop", "1.0.0", Some("no database")).unwrap();
        assert_ne!(one, two);
        assert_eq!(layout.tags().unwrap()["shop:1.0.0"], two);
        let root = dir.path().join("root");
        layout.unpack(&two, &root).unwrap();
        assert_eq!(std::fs::read(root.join("app/server")).unwrap(), SERVER);
        assert_eq!(
            std::fs::read(root.join("app/broken")).unwrap(),
            b"no database"
        );
    }
}
