//! A build report as JSON: the body of the HTTP call, and the data of an event.

use proto::delivery::v1::ReportBuildRequest;
use serde::Deserialize;

/// What CI says about a build.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildReport {
    /// The build definition.
    pub definition: String,
    /// The container.
    pub container: String,
    /// The version.
    pub version: String,
    /// LATEST, ALPHA, BETA or HOTFIX; empty is LATEST.
    #[serde(default)]
    pub release_type: String,
    /// `sha256:…` of the image manifest or index.
    pub digest: String,
    /// Registries that hold the image; empty means those of the definition.
    #[serde(default)]
    pub registries: Vec<String>,
    /// The source commit; empty when CI does not say.
    #[serde(default)]
    pub commit: String,
    /// CI's own run number; 0 when CI does not say.
    #[serde(default)]
    pub ci_run: u64,
}

/// The fields that there are, for messages.
pub(crate) const FIELDS: &str = "fields: definition, container, version, digest; optional release_type, registries, commit, ci_run";

impl From<BuildReport> for ReportBuildRequest {
    fn from(it: BuildReport) -> Self {
        Self {
            definition: it.definition,
            container: it.container,
            version: it.version,
            release_type: it.release_type,
            digest: it.digest,
            registries: it.registries,
            commit: it.commit,
            ci_run: it.ci_run,
            dry_run: false,
        }
    }
}
