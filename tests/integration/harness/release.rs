//! A world with release stages: `api` runs in development, then in staging and production.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{Manifests, World, free_port};

/// A release settles within this time on the slowest of machines.
const SETTLED: Duration = Duration::from_mins(1);

/// Where a release goes.
#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) staging: u16,
    pub(crate) production: u16,
}

/// A world whose application set goes through release stages, and where its slots answer. `more`
/// are further files of the manifests.
pub(crate) async fn releases(more: &[(&str, &str)]) -> (World, Release) {
    let release = Release {
        staging: free_port(),
        production: free_port(),
    };
    let staging = environment("staging");
    let production = environment("production");
    let staging_api = config("staging", release.staging, "/healthz");
    let production_api = config("production", release.production, "/healthz");
    let files = [
        ("track.yaml", TRACK),
        ("environments/staging.yaml", staging.as_str()),
        ("environments/production.yaml", production.as_str()),
        ("environments/staging/api.yaml", staging_api.as_str()),
        ("environments/production/api.yaml", production_api.as_str()),
    ];
    let files: Vec<_> = files.into_iter().chain(more.iter().copied()).collect();
    (World::with(Manifests::of(["api"]), &files).await, release)
}

impl World {
    /// Begins a release of everything under a bundle.
    pub(crate) async fn release(&self, bundle: &str) -> Value {
        let create = ["release", "create", "storefront", "--bundle", bundle];
        self.json(&create).await["release"].take()
    }

    /// A release as it is now.
    pub(crate) async fn shown(&self, release: &str) -> Value {
        self.json(&["release", "show", release]).await["release"].take()
    }

    /// Asks for a release until it is as wanted.
    pub(crate) async fn release_is(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + SETTLED;
        loop {
            let release = self.shown(name).await;
            if wanted(&release) {
                return release;
            }
            assert!(Instant::now() < end, "{name} stays so: {release:#}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a release is at rest; it must be in this state.
    #[track_caller]
    pub(crate) fn release_ends(&self, name: &str, state: &str) -> impl Future<Output = Value> {
        let is_over = |it: &Value| it["state"] != "TAGGING" && it["state"] != "PROMOTING";
        async move {
            let release = self.release_is(name, is_over).await;
            assert_eq!(release["state"], state, "{release:#}");
            release
        }
    }

    /// What a tag of the registry `local` names.
    pub(crate) fn tagged(&self, tag: &str) -> Option<String> {
        let index = std::fs::read(self.images().join("index.json")).unwrap();
        let index: Value = serde_json::from_slice(&index).unwrap();
        let entries = index["manifests"].as_array().unwrap();
        let name = "org.opencontainers.image.ref.name";
        let found = entries.iter().find(|it| it["annotations"][name] == tag)?;
        Some(found["digest"].as_str().unwrap().to_owned())
    }

    /// The version in an environment's manifest of `api`; empty when there is none.
    pub(crate) async fn written(&self, environment: &str) -> String {
        let file = format!("environments/{environment}/api.yaml");
        let text = String::from_utf8(self.remote.file(&file).await).unwrap();
        let line = text.lines().find(|it| it.starts_with("  version:"));
        let value = line.unwrap().trim_start_matches("  version:");
        let value = value.split('#').next().unwrap();
        value.trim().trim_matches('"').to_owned()
    }
}

/// A track with two release stages.
pub(super) const TRACK: &str = "\
apiVersion: lowops.manifests.v1
kind: ReleaseTrack
metadata: { name: main, organizational-unit: shop }
spec:
  preReleaseStages:
    - environments: [development]
  releaseStages:
    - environments: [staging]
    - environments: [production]
---
apiVersion: lowops.manifests.v1
kind: ApplicationSet
metadata: { name: storefront, release-track: main, organizational-unit: shop }
";

/// An environment of the organization.
pub(super) fn environment(name: &str) -> String {
    format!(
        "\
apiVersion: lowops.manifests.v1
kind: Project
metadata: {{ name: web, environment: {name}, organizational-unit: shop, organization: acme }}
---
apiVersion: lowops.manifests.v1
kind: Environment
metadata: {{ name: {name}, organizational-unit: shop, organization: acme }}
"
    )
}

/// How `api` runs in an environment; `probe` is the path that has to answer well.
pub(super) fn config(environment: &str, port: u16, probe: &str) -> String {
    config_of("api", environment, port, probe)
}

/// How an application runs in an environment.
pub(super) fn config_of(application: &str, environment: &str, port: u16, probe: &str) -> String {
    format!(
        "\
apiVersion: lowops.manifests.v1
kind: DeploymentConfig
metadata: {{ name: {application}, project: web, environment: {environment}, organizational-unit: shop, organization: acme }}
spec:
  version: # written by deployments
  ports: {{ {port}: http }}
  health:
    startup: {{ protocol: http, path: {probe}, checkIntervalSec: 1, unhealthyThreshold: 2 }}
"
    )
}
