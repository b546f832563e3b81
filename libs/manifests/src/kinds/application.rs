//! Application: what is deployed, and where it runs.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::decode;
use crate::kinds::Kind;
use crate::manifest::Meta;
use crate::shape::{DESCRIPTION, Field, Format, Object, Shape};
use crate::tree::Node;

pub(super) static SPEC: Object = Object::new(
    "Application",
    &[
        DESCRIPTION,
        Field::new("project", Shape::Ref(Kind::Project), "The project it runs in, in every environment."),
        Field::required("buildDefinition", Shape::Ref(Kind::BuildDefinition), "What builds it: the name of a BuildDefinition."),
        Field::new(
            "container",
            Shape::Scalar(Format::Name),
            "Which container of the build definition; by default the only one, or the one called like the application.",
        ),
        Field::new("target", Shape::OneOf(&TARGETS), "Where it runs; KUBERNETES by default."),
        Field::new("meshStrategy", Shape::OneOf(&["SIDECAR", "PROXYLESS", "DISABLED"]), "How it joins the mesh."),
        Field::new("accessControl", Shape::Any, "What it may reach; kept as written."),
        Field::new("runMigrationJob", Shape::Bool, "Runs a migration before each deployment."),
        Field::new("run_migration_job", Shape::Bool, "The older spelling of runMigrationJob."),
    ],
)
.at_most_one(&["runMigrationJob", "run_migration_job"]);

pub(super) const TARGETS: [&str; 7] = [
    "KUBERNETES",
    "CLOUD_RUN",
    "COMPUTE",
    "COMPOSE",
    "PROCESS",
    "ARGOCD",
    "EXEC",
];

/// Where an application runs. COMPOSE, PROCESS, ARGOCD and EXEC are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A cluster, by server-side apply.
    Kubernetes,
    /// A Cloud Run service.
    CloudRun,
    /// A virtual machine.
    Compute,
    /// A compose project.
    Compose,
    /// A process of the runner's machine.
    Process,
    /// An Argo CD application that watches the repository.
    ArgoCd,
    /// A command such as terraform.
    Exec,
}

impl Target {
    /// All, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Kubernetes,
        Self::CloudRun,
        Self::Compute,
        Self::Compose,
        Self::Process,
        Self::ArgoCd,
        Self::Exec,
    ];

    /// The word in manifests.
    pub fn as_str(self) -> &'static str {
        TARGETS[self as usize]
    }

    /// Parses the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Name, application set, track, unit, place.
    pub meta: Arc<Meta>,
    /// `spec.project`.
    pub project: Option<String>,
    /// `spec.buildDefinition`.
    pub build_definition: String,
    /// `spec.container`: ours; for definitions that build several.
    pub container: Option<String>,
    /// `spec.target`.
    pub target: Target,
    /// `spec.runMigrationJob`.
    pub run_migration_job: bool,
}

impl Application {
    pub(super) fn decode(meta: Arc<Meta>, spec: Option<&Node>) -> Self {
        Self {
            meta,
            project: decode::text(spec, "project"),
            build_definition: decode::text_or_empty(spec, "buildDefinition"),
            container: decode::text(spec, "container"),
            target: decode::word(spec, "target", Target::parse).unwrap_or(Target::Kubernetes),
            run_migration_job: decode::flag(spec, "runMigrationJob")
                .or_else(|| decode::flag(spec, "run_migration_job"))
                .unwrap_or(false),
        }
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        &self.meta.name
    }

    /// `metadata.application-set`.
    pub fn application_set(&self) -> &str {
        self.meta.parent(Kind::ApplicationSet).unwrap_or_default()
    }
}
