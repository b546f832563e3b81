//! What CI says about a build, over either protocol.

use proto::delivery::v1::ReportBuildRequest;
use serde_json::{Value, json};

/// A build report.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) definition: String,
    pub(crate) container: String,
    pub(crate) version: String,
    pub(crate) digest: String,
    /// Empty: CI did not say.
    pub(crate) commit: String,
    pub(crate) registries: Vec<String>,
}

impl Report {
    /// A build of an application of [`super::Manifests`].
    pub(crate) fn of(application: &str, version: &str, digest: &str) -> Self {
        Self {
            definition: application.to_owned(),
            container: application.to_owned(),
            version: version.to_owned(),
            digest: digest.to_owned(),
            commit: String::new(),
            registries: vec!["local".to_owned()],
        }
    }

    /// The same with its source commit.
    pub(crate) fn at_commit(mut self, commit: &str) -> Self {
        commit.clone_into(&mut self.commit);
        self
    }

    /// The same, in other registries.
    pub(crate) fn in_registries(mut self, names: &[&str]) -> Self {
        self.registries = names.iter().map(|it| (*it).to_owned()).collect();
        self
    }

    pub(crate) fn json(&self) -> Value {
        let mut json = json!({
            "definition": self.definition,
            "container": self.container,
            "version": self.version,
            "digest": self.digest,
            "release_type": "LATEST",
            "registries": self.registries,
        });
        if !self.commit.is_empty() {
            json["commit"] = self.commit.as_str().into();
        }
        json
    }

    pub(crate) fn grpc(&self) -> ReportBuildRequest {
        ReportBuildRequest {
            definition: self.definition.clone(),
            container: self.container.clone(),
            version: self.version.clone(),
            release_type: "LATEST".to_owned(),
            digest: self.digest.clone(),
            registries: self.registries.clone(),
            commit: self.commit.clone(),
            ci_run: 0,
            dry_run: false,
        }
    }
}
