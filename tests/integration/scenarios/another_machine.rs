//! A server that is reached over TLS, as in a container: a certificate made for it, a health check
//! that needs no token, and the demo told to go there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;
use tokio::time::timeout;

use crate::harness::World;

/// A server is ready within this time.
const START: Duration = Duration::from_secs(30);

/// A server on everything that the demo needs.
struct Elsewhere {
    world: World,
    dir: PathBuf,
    address: String,
    _server: Child,
}

impl Elsewhere {
    async fn start() -> Self {
        let world = World::of(["api"]).await;
        let dir = world.root().join("elsewhere");
        let at = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        let tls = at("tls");
        let certificate = ["certificate", "--out", &tls, "--name", "localhost"];
        world.cli(&certificate).await.ok();
        let place = dir.to_str().unwrap();
        // Whoever starts the server may prepare it each time.
        for _ in 0..2 {
            world.cli(&["demo", "--prepare", "--dir", place]).await.ok();
        }
        let up = world
            .towpath()
            .args(["--data", &at("data"), "up", "--listen", "127.0.0.1:0"])
            .args(["--manifests", &at("manifests.git")])
            .args(["--tls-certificate", &at("tls/tls.crt")])
            .args(["--tls-key", &at("tls/tls.key")]);
        let mut server = up.spawn(Stdio::piped(), Stdio::inherit());
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = timeout(START, lines.next_line()).await.expect("it starts");
        let line = line.unwrap().expect("it says where it listens");
        let port = line.rsplit(':').next().unwrap();
        Self {
            address: format!("https://localhost:{port}"),
            world,
            dir,
            _server: server,
        }
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_trusts_the_authority_it_is_told_and_needs_no_token() {
    let it = Elsewhere::start().await;
    let (ca, key) = (it.path("tls/ca.crt"), it.path("tls/tls.key"));
    let probe = async |path: &str, ca: &str| {
        let words = ["probe", path, "--server", &it.address, "--ca", ca];
        it.world.towpath().args(words).run().await
    };
    assert_eq!(probe("/readyz", &ca).await.ok().trim(), "ready");
    let nothing = probe("/nothing", &ca).await;
    assert_eq!(nothing.code, 3, "{nothing}");
    assert!(nothing.stderr.contains("404"), "{nothing}");

    // Another authority, made in the same way.
    let other = it.path("other");
    let again = ["certificate", "--out", &other, "--name", "localhost"];
    it.world.cli(&again).await.ok();
    let stranger = probe("/readyz", &it.path("other/ca.crt")).await;
    assert_eq!(stranger.code, 3, "{stranger}");

    // What is there is kept until somebody asks for another.
    let before = std::fs::read(&key).unwrap();
    let tls = it.path("tls");
    let certificate = ["certificate", "--out", &tls, "--name", "localhost"];
    it.world.cli(&certificate).await.ok();
    assert_eq!(std::fs::read(&key).unwrap(), before);
    it.world
        .cli(&[&certificate[..], &["--renew"]].concat())
        .await
        .ok();
    assert_ne!(std::fs::read(&key).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_goes_to_a_server_that_runs_already() {
    let it = Elsewhere::start().await;
    let (ca, token, place) = (
        it.path("tls/ca.crt"),
        it.path("data/admin.token"),
        it.path(""),
    );
    let demo = async |more: &[&str]| {
        let words = ["demo", "--server", &it.address, "--ca", &ca];
        let program = it.world.towpath().args(words);
        program
            .args(["--token-file", &token])
            .args(more)
            .run()
            .await
    };
    let lost = demo(&[]).await;
    assert_eq!(lost.code, 2, "{lost}");
    assert!(lost.stderr.contains("--prepare"), "{lost}");

    let told = demo(&["--dir", &place]).await.ok();
    let commit = told.lines().find_map(|line| line.strip_prefix("commit"));
    let commit = commit.unwrap_or_else(|| panic!("{told}")).trim().to_owned();
    assert_eq!(commit, tip(&it.dir.join("manifests.git")), "{told}");
    // Told again, it tells of versions of its own.
    let again = demo(&["--dir", &place]).await.ok();
    assert!(
        told.contains(" 1.2.0,") && again.contains(" 2.2.0,"),
        "{again}"
    );
    assert_ne!(commit, tip(&it.dir.join("manifests.git")));
}

/// The commit of a bare repository's branch.
fn tip(repository: &Path) -> String {
    let path = repository.join("refs/heads/main");
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}
