//! Manifests of an organization with one environment and any number of applications.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::free_port;

/// An application that runs in `development` as a process.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) name: String,
    /// The port its slot answers on.
    pub(crate) port: u16,
    /// Bad probes in a row, one per second, until a version has failed.
    pub(crate) unhealthy_threshold: u32,
}

/// A file that is no manifest and holds the version of an application.
#[derive(Debug, Clone)]
pub(crate) struct PlainFile {
    pub(crate) application: String,
    pub(crate) file: String,
    pub(crate) pointer: String,
    pub(crate) value: String,
}

/// What runs where.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifests {
    pub(crate) apps: Vec<App>,
    pub(crate) plain_files: Vec<PlainFile>,
}

impl App {
    /// An application on a free port.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            port: free_port(),
            unhealthy_threshold: 10,
        }
    }

    /// Where its version is written.
    pub(crate) fn file(&self) -> String {
        format!("environments/development/{}.yaml", self.name)
    }

    /// `host:port` of its slot.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Manifests {
    /// These applications, nothing else.
    pub(crate) fn of(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let apps = names
            .into_iter()
            .map(|it| App::named(it.as_ref()))
            .collect();
        Self {
            apps,
            plain_files: Vec::new(),
        }
    }

    /// Every file of the repository.
    pub(crate) fn files(&self, images: &Path, source: &Path) -> BTreeMap<String, String> {
        let mut files = BTreeMap::from([
            ("organization.yaml".to_owned(), organization(images, source)),
            (
                "environments/development.yaml".to_owned(),
                self.environment(),
            ),
            ("track.yaml".to_owned(), TRACK.to_owned()),
        ]);
        for app in &self.apps {
            files.insert(
                format!("applications/{}.yaml", app.name),
                application(&app.name),
            );
            files.insert(app.file(), config(app));
        }
        files
    }

    /// The environment, with its plain files.
    pub(crate) fn environment(&self) -> String {
        let plain_files: Vec<_> = self.plain_files.iter().map(PlainFile::json).collect();
        let spec = json!({ "plainFiles": plain_files });
        format!("{ENVIRONMENT}spec: {spec}\n")
    }
}

impl PlainFile {
    fn json(&self) -> serde_json::Value {
        let Self {
            application,
            file,
            pointer,
            value,
        } = self;
        json!({ "application": application, "file": file, "pointer": pointer, "value": value })
    }
}

fn organization(images: &Path, source: &Path) -> String {
    format!(
        "\
apiVersion: lowops.manifests.v1
kind: Organization
metadata: {{ name: acme }}
---
apiVersion: lowops.manifests.v1
kind: OrganizationalUnit
metadata: {{ name: shop, organization: acme }}
---
apiVersion: lowops.manifests.v1
kind: GithubConnection
metadata: {{ name: gh, organization: acme }}
---
apiVersion: lowops.manifests.v1
kind: GithubRepository
metadata: {{ name: source, github-connection: gh, organization: acme }}
spec: {{ url: {source:?}, strategy: GITHUB_FLOW }}
---
apiVersion: lowops.manifests.v1
kind: ArtifactRegistry
metadata: {{ name: local, organization: acme }}
spec: {{ ociLayout: {images:?} }}
"
    )
}

const ENVIRONMENT: &str = "\
apiVersion: lowops.manifests.v1
kind: Project
metadata: { name: web, environment: development, organizational-unit: shop, organization: acme }
---
apiVersion: lowops.manifests.v1
kind: Environment
metadata: { name: development, organizational-unit: shop, organization: acme }
";

const TRACK: &str = "\
apiVersion: lowops.manifests.v1
kind: ReleaseTrack
metadata: { name: main, organizational-unit: shop }
spec:
  preReleaseStages:
    - environments: [development]
---
apiVersion: lowops.manifests.v1
kind: ApplicationSet
metadata: { name: storefront, release-track: main, organizational-unit: shop }
";

fn application(name: &str) -> String {
    format!(
        "\
apiVersion: lowops.manifests.v1
kind: BuildDefinition
metadata: {{ name: {name}, github-repository: source, github-connection: gh, organization: acme }}
spec:
  type: DOCKER
  containerize: [{{ name: {name}, registries: [local] }}]
---
apiVersion: lowops.manifests.v1
kind: Application
metadata: {{ name: {name}, application-set: storefront, release-track: main, organizational-unit: shop }}
spec: {{ project: web, buildDefinition: {name}, target: PROCESS }}
"
    )
}

fn config(app: &App) -> String {
    let App {
        name,
        port,
        unhealthy_threshold,
    } = app;
    format!(
        "\
# How {name} runs in development.
apiVersion: lowops.manifests.v1
kind: DeploymentConfig
metadata: {{ name: {name}, project: web, environment: development, organizational-unit: shop, organization: acme }}
spec:
  version: # written by deployments
  container:
    env: []
  ports: {{ {port}: http }}
  health:
    startup: {{ protocol: http, path: /healthz, checkIntervalSec: 1, unhealthyThreshold: {unhealthy_threshold} }}
"
    )
}
