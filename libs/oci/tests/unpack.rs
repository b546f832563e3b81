//! Unpacking layers that other tools and hostile people made: archives are built byte by byte
//! where a well-meaning writer would refuse.

#![expect(clippy::unwrap_used, reason = "a failing test may panic")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ids::Digest;
use oci::{Error, Layout};
use serde_json::json;

/// One entry: type flag, path, content or link target, mode.
type Entry<'a> = (u8, &'a str, &'a str, u32);

const FILE: u8 = b'0';
const HARD: u8 = b'1';
const LINK: u8 = b'2';
const CHARACTER: u8 = b'3';
const DIRECTORY: u8 = b'5';
const FIFO: u8 = b'6';

/// A tar archive (POSIX ustar) that is not checked for sense.
fn tar(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, path, content, mode) in entries {
        let is_link = matches!(*kind, HARD | LINK);
        let body = if is_link { "" } else { content };
        let mut header = [0_u8; 512];
        header[..path.len()].copy_from_slice(path.as_bytes());
        let mut put = |at: usize, text: String| {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        put(100, format!("{mode:07o}"));
        put(108, "0000000".into());
        put(116, "0000000".into());
        put(124, format!("{:011o}", body.len()));
        put(136, "00000000000".into());
        put(257, "ustar\x0000".into());
        if is_link {
            put(157, (*content).into());
        }
        header[156] = *kind;
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(body.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend_from_slice(&[0; 1024]);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An image of these layers; every second one is compressed.
fn image(layout: &Layout, layers: &[Vec<u8>]) -> Digest {
    let mut descriptors = Vec::new();
    let mut diff_ids = Vec::new();
    for (n, archive) in layers.iter().enumerate() {
        let (stored, suffix) = if n % 2 == 1 {
            (gzip(archive), "+gzip")
        } else {
            (archive.clone(), "")
        };
        diff_ids.push(Digest::of(archive).to_string());
        descriptors.push(json!({
            "mediaType": format!("application/vnd.oci.image.layer.v1.tar{suffix}"),
            "digest": layout.write(&stored).unwrap().as_str(),
            "size": stored.len(),
        }));
    }
    manifest(layout, &json!(descriptors), &json!(diff_ids))
}

fn manifest(layout: &Layout, layers: &serde_json::Value, diff_ids: &serde_json::Value) -> Digest {
    let config = json!({"rootfs": {"type": "layers", "diff_ids": diff_ids}}).to_string();
    let config = layout.write(config.as_bytes()).unwrap();
    let manifest = json!({
        "schemaVersion": 2,
        "config": {"digest": config.as_str(), "mediaType": "x", "size": 1},
        "layers": layers,
    });
    layout.write(manifest.to_string().as_bytes()).unwrap()
}

struct Place {
    dir: tempfile::TempDir,
    layout: Layout,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::create(dir.path().join("layout")).unwrap();
        fs::create_dir(dir.path().join("rootfs")).unwrap();
        fs::write(dir.path().join("outside"), "untouched").unwrap();
        Self { dir, layout }
    }

    fn root(&self) -> std::path::PathBuf {
        self.dir.path().join("rootfs/image")
    }

    fn unpack(&self, layers: &[Vec<u8>]) -> Result<oci::Image, Error> {
        self.layout
            .unpack(&image(&self.layout, layers), &self.root())
    }

    /// Refused, for this reason, with nothing left behind and nothing touched outside.
    fn refuses(&self, layers: &[Vec<u8>], expected: &str) {
        let error = self.unpack(layers).unwrap_err();
        assert!(error.is_permanent(), "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        let left = fs::read_dir(self.dir.path().join("rootfs")).unwrap();
        assert_eq!(left.count(), 0, "{error}");
        let outside = fs::read_to_string(self.dir.path().join("outside"));
        assert_eq!(outside.unwrap(), "untouched");
    }
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn upper_layers_change_and_hide_what_lies_below() {
    let place = Place::new();
    place
        .unpack(&[
            tar(&[
                (DIRECTORY, "./", "", 0o755),
                (DIRECTORY, "usr/", "", 0o755),
                (FILE, "usr/lib/old", "old", 0o644),
                (FILE, "usr/lib/kept", "kept", 0o4755),
                (LINK, "lib", "usr/lib", 0o777),
                (LINK, "usr/abs", "/usr/lib/kept", 0o777),
                (HARD, "usr/hard", "usr/lib/kept", 0o644),
                (FILE, "opaque/below", "x", 0o644),
                (FILE, "opaque/sub/below", "x", 0o644),
                (FILE, "becomes-dir", "x", 0o644),
                (FILE, "becomes-file/x", "x", 0o644),
            ]),
            tar(&[
                (FILE, "lib/new", "through the link", 0o600),
                (FILE, "usr/lib/.wh.old", "", 0o644),
                (FILE, "usr/lib/.wh.never-there", "", 0o644),
                (FILE, "opaque/sub/above", "above", 0o644),
                (FILE, "opaque/.wh..wh..opq", "", 0o644),
                (FILE, "opaque/later", "later", 0o644),
            ]),
            tar(&[
                (DIRECTORY, "becomes-dir", "", 0o500),
                (FILE, "becomes-dir/x", "inside", 0o644),
                (FILE, "becomes-file", "file", 0o644),
            ]),
        ])
        .unwrap();
    let root = place.root();
    assert_eq!(text(root.join("usr/lib/new")), "through the link");
    assert!(!root.join("usr/lib/old").exists());
    assert_eq!(text(root.join("usr/abs")), "kept");
    assert_eq!(
        fs::read_link(root.join("usr/abs")).unwrap(),
        Path::new("../usr/lib/kept")
    );
    assert_eq!(text(root.join("usr/hard")), "kept");
    let mode = fs::metadata(root.join("usr/lib/kept"))
        .unwrap()
        .permissions();
    assert_eq!(mode.mode() & 0o7777, 0o755, "set-id bits are not kept");
    assert!(!root.join("opaque/below").exists());
    assert!(!root.join("opaque/sub/below").exists());
    assert_eq!(text(root.join("opaque/sub/above")), "above");
    assert_eq!(text(root.join("opaque/later")), "later");
    assert_eq!(text(root.join("becomes-dir/x")), "inside");
    assert_eq!(text(root.join("becomes-file")), "file");
}

#[test]
fn what_is_unpacked_is_left_as_it_is() {
    let place = Place::new();
    let layers = [tar(&[(FILE, "a", "1", 0o644)])];
    place.unpack(&layers).unwrap();
    fs::write(place.root().join("a"), "changed").unwrap();
    place.unpack(&layers).unwrap();
    assert_eq!(text(place.root().join("a")), "changed");
}

#[test]
fn threads_that_unpack_the_same_image_all_succeed() {
    let place = Place::new();
    let layers = [tar(&[(FILE, "a/b", "1", 0o644)])];
    let digest = image(&place.layout, &layers);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| place.layout.unpack(&digest, &place.root()).unwrap());
        }
    });
    assert_eq!(text(place.root().join("a/b")), "1");
    assert_eq!(
        fs::read_dir(place.dir.path().join("rootfs"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn paths_and_links_out_of_the_image_are_refused() {
    let place = Place::new();
    let outside = place.dir.path().join("outside");
    let absolute = outside.to_str().unwrap();
    for (entries, expected) in [
        (vec![(FILE, absolute, "x", 0o644)], "absolute"),
        (vec![(FILE, "../../outside", "x", 0o644)], "`..`"),
        (vec![(FILE, "a/../../../outside", "x", 0o644)], "`..`"),
        (
            vec![(LINK, "l", "../../outside", 0o777)],
            "link out of the image",
        ),
        (
            vec![(LINK, "a/l", "../../x", 0o777)],
            "link out of the image",
        ),
        (vec![(LINK, "a/l", "/../x", 0o777)], "link out of the image"),
        (vec![(LINK, "l", "", 0o777)], "link to nowhere"),
        (vec![(HARD, "l", "../../outside", 0o777)], "is a link to"),
        (vec![(HARD, "l", absolute, 0o777)], "is a link to"),
        (vec![(HARD, "l", "missing", 0o777)], "is no file"),
        (vec![(CHARACTER, "null", "", 0o666)], "only files"),
        (vec![(FIFO, "pipe", "", 0o666)], "only files"),
        (vec![(FILE, ".wh...", "", 0o644)], "whiteout of no name"),
        (vec![(FILE, "a/.wh..", "", 0o644)], "whiteout of no name"),
        (vec![(FILE, ".wh.", "", 0o644)], "whiteout of no name"),
        (vec![(FILE, "/", "", 0o644)], "absolute"),
        (vec![(FILE, ".", "", 0o644)], "must be a directory"),
        (
            vec![(FILE, "a", "", 0o644), (FILE, "a/b", "", 0o644)],
            "a file is where",
        ),
        (
            vec![(LINK, "l", "l", 0o777), (FILE, "l/x", "", 0o644)],
            "more than 40",
        ),
    ] {
        place.refuses(&[tar(&entries)], expected);
    }
}

#[test]
fn links_that_lead_out_only_together_are_refused() {
    let place = Place::new();
    // Each target stays inside by its letters; through the other link it does not.
    place.refuses(
        &[tar(&[
            (LINK, "p/q/d", "../..", 0o777),
            (LINK, "p/q/l", "d/../x", 0o777),
            (FILE, "p/q/l/outside", "x", 0o644),
        ])],
        "leads out of the image",
    );
    // Lower layers are no better.
    place.refuses(
        &[
            tar(&[(LINK, "p/q/d", "../..", 0o777)]),
            tar(&[(FILE, "p/q/d/../../outside", "x", 0o644)]),
        ],
        "`..`",
    );
}

#[test]
fn a_file_replaces_a_link_and_is_not_written_through_it() {
    let place = Place::new();
    place
        .unpack(&[
            tar(&[(FILE, "target", "old", 0o644), (LINK, "l", "target", 0o777)]),
            tar(&[(FILE, "l", "new", 0o644)]),
        ])
        .unwrap();
    assert_eq!(text(place.root().join("target")), "old");
    assert_eq!(text(place.root().join("l")), "new");
}

#[test]
fn damaged_and_cut_archives_are_refused() {
    let place = Place::new();
    let good = tar(&[(FILE, "a", &"x".repeat(5000), 0o644)]);
    place.refuses(&[good[..3000].to_vec()], "cannot be read");
    place.refuses(&[vec![7; 2048]], "cannot be read");
    let mut sum = good.clone();
    sum[0] = b'b';
    place.refuses(&[sum], "cannot be read");
    // The gzip stream of the second layer is cut.
    let cut = gzip(&good);
    let cut = place.layout.write(&cut[..cut.len() / 2]).unwrap();
    let layers = json!([{"digest": cut.as_str(),
        "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip"}]);
    let diff_ids = json!([Digest::of(&good).as_str()]);
    let digest = manifest(&place.layout, &layers, &diff_ids);
    let error = place.layout.unpack(&digest, &place.root()).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
}

#[test]
fn a_layer_that_unpacks_to_something_else_is_refused() {
    let place = Place::new();
    let layer = tar(&[(FILE, "a", "1", 0o644)]);
    let stored = place.layout.write(&layer).unwrap();
    let layers = json!([{"digest": stored.as_str(),
        "mediaType": "application/vnd.oci.image.layer.v1.tar"}]);
    let digest = manifest(
        &place.layout,
        &layers,
        &json!([Digest::of(b"other").as_str()]),
    );
    let error = place.layout.unpack(&digest, &place.root()).unwrap_err();
    assert!(error.to_string().contains("the config says"), "{error}");
    assert!(!place.root().exists());
}

#[test]
fn a_damaged_blob_is_called_damaged_and_can_be_copied_again() {
    let place = Place::new();
    let layer = tar(&[(FILE, "a", "1", 0o644)]);
    let digest = image(&place.layout, std::slice::from_ref(&layer));
    let path = place
        .dir
        .path()
        .join("layout/blobs/sha256")
        .join(Digest::of(&layer).hex());
    for at in [0, 148, 512, layer.len() - 1] {
        let mut damaged = layer.clone();
        damaged[at] ^= 1;
        fs::write(&path, damaged).unwrap();
        let error = place.layout.unpack(&digest, &place.root()).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "byte {at}: {error}");
        assert!(!error.is_permanent());
    }
    fs::write(&path, &layer).unwrap();
    place.layout.unpack(&digest, &place.root()).unwrap();
}

#[test]
fn what_a_killed_process_left_is_swept_away() {
    let place = Place::new();
    let rootfs = place.dir.path().join("rootfs");
    fs::create_dir_all(rootfs.join(".unpack-x/root/a")).unwrap();
    place.unpack(&[tar(&[(FILE, "a", "1", 0o644)])]).unwrap();
    oci::sweep(&rootfs).unwrap();
    assert!(!rootfs.join(".unpack-x").exists());
    assert_eq!(text(place.root().join("a")), "1");
    oci::sweep(&place.dir.path().join("missing")).unwrap();
}
