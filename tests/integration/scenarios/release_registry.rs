//! A release candidate gets its tag in every registry that holds its image, whichever kind it is.

use std::path::Path;

use hyper::Method;
use serde_json::Value;
use testkit::oci_registry::{self, Setup};

use crate::harness::{Report, World, free_port, http, releases};

const TAG: &str = "storefront-2026.11-rc.0";
const NAME: &str = "storefront/2026.11";

/// Puts an image of a layout into a registry, as if it had been pushed.
fn push(world: &World, setup: &Setup, digest: &str) {
    let blobs = world.images().join("blobs/sha256");
    let read = |digest: &str| {
        let name = digest.trim_start_matches("sha256:");
        std::fs::read(blobs.join(name)).unwrap()
    };
    let manifest = read(digest);
    let json: Value = serde_json::from_slice(&manifest).unwrap();
    let parts = std::iter::once(&json["config"]).chain(json["layers"].as_array().unwrap());
    let parts: Vec<_> = parts
        .map(|it| it["digest"].as_str().unwrap())
        .map(|it| (it, read(it)))
        .collect();
    let parts: Vec<_> = parts.iter().map(|(name, it)| (*name, &it[..])).collect();
    oci_registry::seed(setup, "team/api", &parts, &[(digest, &manifest)]).unwrap();
}

/// The manifest that a tag of a registry names, byte by byte.
async fn named(setup: &Setup, tag: &str) -> Vec<u8> {
    let address = format!("127.0.0.1:{}", setup.port);
    let path = format!("/v2/team/api/manifests/{tag}");
    let accept = [("accept", "application/vnd.oci.image.manifest.v1+json")];
    let answer = http(&address, Method::GET, &path, &accept, Vec::new()).await;
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.body
}

fn setup(dir: &Path) -> Setup {
    Setup {
        dir: dir.to_owned(),
        port: free_port(),
        is_closed: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_waits_for_a_docker_registry_that_is_away_and_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let setup = setup(dir.path());
    let registry = format!(
        "\
apiVersion: lowops.manifests.v1
kind: ArtifactRegistry
metadata: {{ name: remote, organization: acme }}
spec: {{ url: \"http://127.0.0.1:{}/team\" }}
",
        setup.port
    );
    let (world, _) = releases(&[("registry.yaml", registry.as_str())]).await;
    let server = world.start().await;
    let digest = world.image("api", "1.0.0").await;
    push(&world, &setup, &digest);
    let report = Report::of("api", "1.0.0", &digest).in_registries(&["local", "remote"]);
    server.deployed(&report).await;

    // It is not there yet: one registry gets the tag, nothing is written to a manifest.
    world.release("2026.11").await;
    let is_waiting = |it: &Value| {
        let said = it["message"].as_str().unwrap();
        said.contains(&format!("127.0.0.1:{}", setup.port))
            && world.tagged(&format!("api:{TAG}")).is_some()
    };
    let waiting = world.release_is(NAME, is_waiting).await;
    assert_eq!(waiting["state"], "TAGGING", "{waiting:#}");
    assert_eq!(world.written("staging").await, "");
    let explained = world.explain(NAME).await;
    assert_eq!(explained["waiting"][0]["on"], "tag", "{explained:#}");

    let binary = oci_registry::find().unwrap();
    let _running = oci_registry::start(&binary, &setup).unwrap();
    let ended = world.release_ends(NAME, "SUCCESS").await;
    let blob = digest.trim_start_matches("sha256:");
    let expected = std::fs::read(world.images().join("blobs/sha256").join(blob)).unwrap();
    assert_eq!(named(&setup, TAG).await, expected, "{ended:#}");
    assert_eq!(world.written("production").await, TAG);
    server.stop().await;
}
