//! What every bench stands on: a directory on the measured disk, and manifests of any size.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use git::Author;
use ids::Oid;
use tempfile::TempDir;

/// Where benches run.
pub(crate) struct Ground {
    /// The release binary.
    pub(crate) towpath: PathBuf,
    /// Fewer samples.
    pub(crate) quick: bool,
    root: TempDir,
}

/// The environment that every application is promoted to.
pub(crate) const ENVIRONMENT: &str = "development";

impl Ground {
    /// A new directory below `within`, gone afterwards.
    pub(crate) fn new(within: &Path, towpath: &Path, quick: bool) -> Result<Self> {
        std::fs::create_dir_all(within).context("cannot make a place for the benches")?;
        ensure!(
            towpath.is_file(),
            "{} is missing: build it with `cargo build --release`",
            towpath.display()
        );
        Ok(Self {
            towpath: towpath.to_owned(),
            quick,
            root: tempfile::Builder::new()
                .prefix("bench-")
                .tempdir_in(within)?,
        })
    }

    /// A directory of this name, empty.
    pub(crate) fn room(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.path().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// The first number, or the second when it has to be quick.
    pub(crate) fn pick<T>(&self, whole: T, quick: T) -> T {
        if self.quick { quick } else { whole }
    }
}

/// Who commits.
pub(crate) fn author() -> Author {
    Author {
        name: "Bench".to_owned(),
        email: "bench@example.com".to_owned(),
    }
}

/// The same moment in every run, in microseconds UTC.
pub(crate) const NOW_US: i64 = 1_767_225_600_000_000;

/// The application at this place of the list.
pub(crate) fn application(at: usize) -> String {
    format!("app-{at:05}")
}

/// A bare repository with the manifests of an organization; the commit.
pub(crate) async fn remote(path: &Path, files: &[(String, String)]) -> Result<Oid> {
    git::init_bare(path).await?;
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_bytes()))
        .collect();
    Ok(git::seed(path, &files, &author(), "Begin", NOW_US).await?)
}

/// Manifests of an organization with this many applications, three files for each. Nothing is
/// started for them: their registry holds no images, so a run ends as soon as its commit stands.
pub(crate) fn manifests(applications: usize) -> Vec<(String, String)> {
    let mut files = vec![("organization.yaml".to_owned(), ORGANIZATION.to_owned())];
    for name in (0..applications).map(application) {
        files.extend([
            (format!("applications/{name}/build.yaml"), build(&name)),
            (format!("applications/{name}/application.yaml"), app(&name)),
            (config_file(&name), config(&name)),
        ]);
    }
    files
}

/// The file that holds the version of an application.
pub(crate) fn config_file(application: &str) -> String {
    format!("environments/{ENVIRONMENT}/{application}.yaml")
}

const ORGANIZATION: &str = "\
apiVersion: lowops.manifests.v1
kind: Organization
metadata: { name: acme }
---
apiVersion: lowops.manifests.v1
kind: OrganizationalUnit
metadata: { name: shop, organization: acme }
---
apiVersion: lowops.manifests.v1
kind: GithubConnection
metadata: { name: gh, organization: acme }
---
apiVersion: lowops.manifests.v1
kind: GithubRepository
metadata: { name: source, github-connection: gh, organization: acme }
spec: { strategy: GITHUB_FLOW }
---
apiVersion: lowops.manifests.v1
kind: ArtifactRegistry
metadata: { name: local, organization: acme }
spec: { ociLayout: images }
---
apiVersion: lowops.manifests.v1
kind: Project
metadata: { name: web, environment: development, organizational-unit: shop, organization: acme }
---
apiVersion: lowops.manifests.v1
kind: Environment
metadata: { name: development, organizational-unit: shop, organization: acme }
---
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

fn build(name: &str) -> String {
    format!(
        "\
apiVersion: lowops.manifests.v1
kind: BuildDefinition
metadata: {{ name: {name}, github-repository: source, github-connection: gh, organization: acme }}
spec:
  type: DOCKER
  containerize: [{{ name: {name}, registries: [local] }}]
"
    )
}

fn app(name: &str) -> String {
    format!(
        "\
apiVersion: lowops.manifests.v1
kind: Application
metadata: {{ name: {name}, application-set: storefront, release-track: main, organizational-unit: shop }}
spec: {{ project: web, buildDefinition: {name}, target: PROCESS }}
"
    )
}

fn config(name: &str) -> String {
    format!(
        "\
# How {name} runs in development.
apiVersion: lowops.manifests.v1
kind: DeploymentConfig
metadata: {{ name: {name}, project: web, environment: development, organizational-unit: shop, organization: acme }}
spec:
  version: # written by deployments
  container:
    env:
      - {{ name: LOG_LEVEL, value: info }}
      - {{ name: REGION, value: europe-west1 }}
  health:
    startup: {{ protocol: http, path: /healthz, checkIntervalSec: 1 }}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifests_of_the_benches_are_without_problems() {
        let files = manifests(3);
        let files = files
            .into_iter()
            .map(|(path, text)| (path, ids::Digest::of(text.as_bytes()).to_string(), text));
        let (graph, problems) = manifests::Graph::load(files, &mut manifests::Cache::new());
        assert_eq!(problems.len(), 0, "{problems:?}");
        let found = graph.application(&application(2)).unwrap();
        let location = graph.version_location(found, ENVIRONMENT).unwrap();
        assert_eq!(location.file, config_file(&application(2)));
    }
}
