//! The kinds that are read strictly: what each may hold, and what it holds once read.
//!
//! Field names follow the public Infrastream manifests; what we add to them says so in its
//! documentation.

mod application;
mod application_set;
mod artifact_registry;
mod build_definition;
mod deployment_config;
mod environment;
mod github_connection;
mod github_repository;
mod organization;
mod organizational_unit;
mod policy;
mod project;
mod release_track;
mod stage;
mod verify;
mod window;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::check::Findings;
use crate::manifest::Meta;
use crate::shape::Object;
use crate::tree::Node;

pub use application::{Application, Target};
pub use application_set::ApplicationSet;
pub use artifact_registry::ArtifactRegistry;
pub use build_definition::{BuildDefinition, Container};
pub use deployment_config::{DeploymentConfig, EnvVar, Health, Probe, Protocol, Scaling};
pub use environment::{Environment, PlainFile};
pub use github_connection::GithubConnection;
pub use github_repository::{GithubRepository, Strategy};
pub use organization::Organization;
pub use organizational_unit::OrganizationalUnit;
pub use policy::{Policy, Stakeholder};
pub use project::Project;
pub use release_track::ReleaseTrack;
pub use stage::{Condition, OnFailure, Rollback, Stage};
pub use verify::{Verify, VerifyBy};
pub use window::Window;

/// A kind that is read strictly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the kind of that name")]
pub enum Kind {
    Organization,
    OrganizationalUnit,
    Environment,
    Project,
    ReleaseTrack,
    ApplicationSet,
    Application,
    DeploymentConfig,
    GithubConnection,
    GithubRepository,
    BuildDefinition,
    ArtifactRegistry,
}

/// Kinds of the same family that are kept without being read: they join the graph and are
/// reported as unmanaged. A kind that is not here is kept as well, unless it looks like a typing
/// mistake in a strict one.
pub(crate) const KNOWN_OPAQUE: [&str; 10] = [
    "ExternalApplication",
    "PubSub",
    "Database",
    "Secret",
    "HttpRoute",
    "PublicIngress",
    "PrivateIngress",
    "Bucket",
    "ServiceAccount",
    "Topic",
];

const ORGANIZATION: &str = "organization";
const UNIT: &str = "organizational-unit";

impl Kind {
    /// All of them, parents before children.
    pub const ALL: [Self; 12] = [
        Self::Organization,
        Self::OrganizationalUnit,
        Self::Environment,
        Self::Project,
        Self::ReleaseTrack,
        Self::ApplicationSet,
        Self::Application,
        Self::DeploymentConfig,
        Self::GithubConnection,
        Self::GithubRepository,
        Self::BuildDefinition,
        Self::ArtifactRegistry,
    ];

    /// The word in `kind:`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::OrganizationalUnit => "OrganizationalUnit",
            Self::Environment => "Environment",
            Self::Project => "Project",
            Self::ReleaseTrack => "ReleaseTrack",
            Self::ApplicationSet => "ApplicationSet",
            Self::Application => "Application",
            Self::DeploymentConfig => "DeploymentConfig",
            Self::GithubConnection => "GithubConnection",
            Self::GithubRepository => "GithubRepository",
            Self::BuildDefinition => "BuildDefinition",
            Self::ArtifactRegistry => "ArtifactRegistry",
        }
    }

    /// The key by which children name a parent of this kind.
    pub fn key(self) -> &'static str {
        match self {
            Self::Organization => ORGANIZATION,
            Self::OrganizationalUnit => UNIT,
            Self::Environment => "environment",
            Self::Project => "project",
            Self::ReleaseTrack => "release-track",
            Self::ApplicationSet => "application-set",
            Self::Application => "application",
            Self::DeploymentConfig => "deployment-config",
            Self::GithubConnection => "github-connection",
            Self::GithubRepository => "github-repository",
            Self::BuildDefinition => "build-definition",
            Self::ArtifactRegistry => "artifact-registry",
        }
    }

    /// Parses the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }

    /// The kind behind a key of `metadata`.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.key() == key)
    }

    /// The kind behind a field of an opaque manifest: `deploymentConfig`, `registries`.
    pub(crate) fn of_field(field: &str) -> Option<Self> {
        if field == "registries" {
            return Some(Self::ArtifactRegistry);
        }
        Self::ALL.into_iter().find(|it| {
            let word = it.word();
            field.len() == word.len()
                && field[1..] == word[1..]
                && field.as_bytes()[0] == word.as_bytes()[0].to_ascii_lowercase()
        })
    }

    /// Keys that `metadata` must have beside the name.
    pub fn parents(self) -> &'static [&'static str] {
        match self {
            Self::Organization => &[],
            Self::OrganizationalUnit | Self::GithubConnection | Self::ArtifactRegistry => {
                &[ORGANIZATION]
            }
            Self::Environment => &[UNIT, ORGANIZATION],
            Self::Project => &["environment", UNIT, ORGANIZATION],
            Self::DeploymentConfig => &["project", "environment", UNIT, ORGANIZATION],
            Self::ReleaseTrack => &[UNIT],
            Self::ApplicationSet => &["release-track", UNIT],
            Self::Application => &["application-set", "release-track", UNIT],
            Self::GithubRepository => &["github-connection", ORGANIZATION],
            Self::BuildDefinition => &["github-repository", "github-connection", ORGANIZATION],
        }
    }

    /// Keys that `metadata` may have.
    pub fn optional_parents(self) -> &'static [&'static str] {
        match self {
            Self::ReleaseTrack | Self::ApplicationSet | Self::Application => &[ORGANIZATION],
            Self::Organization
            | Self::OrganizationalUnit
            | Self::Environment
            | Self::Project
            | Self::DeploymentConfig
            | Self::GithubConnection
            | Self::GithubRepository
            | Self::BuildDefinition
            | Self::ArtifactRegistry => &[],
        }
    }

    /// Ancestors that are part of the identity: two projects may share a name in two
    /// environments. All other kinds have one name each, because people, reports and ids name
    /// them without their ancestors.
    pub(crate) fn scope(self) -> &'static [Self] {
        match self {
            Self::Project => &[Self::Environment],
            // An application runs once in an environment, whatever the project.
            Self::DeploymentConfig => &[Self::Environment],
            Self::Organization
            | Self::OrganizationalUnit
            | Self::Environment
            | Self::ReleaseTrack
            | Self::ApplicationSet
            | Self::Application
            | Self::GithubConnection
            | Self::GithubRepository
            | Self::BuildDefinition
            | Self::ArtifactRegistry => &[],
        }
    }

    /// What its `spec` may hold.
    pub fn spec(self) -> &'static Object {
        match self {
            Self::Organization => &organization::SPEC,
            Self::OrganizationalUnit => &organizational_unit::SPEC,
            Self::Environment => &environment::SPEC,
            Self::Project => &project::SPEC,
            Self::ReleaseTrack => &release_track::SPEC,
            Self::ApplicationSet => &application_set::SPEC,
            Self::Application => &application::SPEC,
            Self::DeploymentConfig => &deployment_config::SPEC,
            Self::GithubConnection => &github_connection::SPEC,
            Self::GithubRepository => &github_repository::SPEC,
            Self::BuildDefinition => &build_definition::SPEC,
            Self::ArtifactRegistry => &artifact_registry::SPEC,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// What a manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the kind of that name")]
pub enum Spec {
    Organization(Organization),
    OrganizationalUnit(OrganizationalUnit),
    Environment(Environment),
    Project(Project),
    ReleaseTrack(ReleaseTrack),
    ApplicationSet(ApplicationSet),
    Application(Application),
    DeploymentConfig(Box<DeploymentConfig>),
    GithubConnection(GithubConnection),
    GithubRepository(GithubRepository),
    BuildDefinition(BuildDefinition),
    ArtifactRegistry(ArtifactRegistry),
    /// A kind that is not read; it plans as unmanaged.
    Opaque,
}

impl Spec {
    pub(crate) fn decode(kind: Kind, meta: &Arc<Meta>, spec: Option<&Node>) -> Self {
        let meta = Arc::clone(meta);
        match kind {
            Kind::Organization => Self::Organization(Organization::decode(meta, spec)),
            Kind::OrganizationalUnit => {
                Self::OrganizationalUnit(OrganizationalUnit::decode(meta, spec))
            }
            Kind::Environment => Self::Environment(Environment::decode(meta, spec)),
            Kind::Project => Self::Project(Project::decode(meta, spec)),
            Kind::ReleaseTrack => Self::ReleaseTrack(ReleaseTrack::decode(meta, spec)),
            Kind::ApplicationSet => Self::ApplicationSet(ApplicationSet::decode(meta, spec)),
            Kind::Application => Self::Application(Application::decode(meta, spec)),
            Kind::DeploymentConfig => {
                Self::DeploymentConfig(Box::new(DeploymentConfig::decode(meta, spec)))
            }
            Kind::GithubConnection => Self::GithubConnection(GithubConnection::decode(meta, spec)),
            Kind::GithubRepository => Self::GithubRepository(GithubRepository::decode(meta, spec)),
            Kind::BuildDefinition => Self::BuildDefinition(BuildDefinition::decode(meta, spec)),
            Kind::ArtifactRegistry => Self::ArtifactRegistry(ArtifactRegistry::decode(meta, spec)),
        }
    }
}

/// Rules of one kind that a shape cannot say.
pub(crate) fn check_more(kind: Kind, spec: &Node, findings: &mut Findings<'_>) {
    match kind {
        Kind::Environment => environment::check(spec, findings),
        Kind::ReleaseTrack => release_track::check(spec, findings),
        Kind::DeploymentConfig => deployment_config::check(spec, findings),
        Kind::Organization
        | Kind::OrganizationalUnit
        | Kind::Project
        | Kind::ApplicationSet
        | Kind::Application
        | Kind::GithubConnection
        | Kind::GithubRepository
        | Kind::BuildDefinition
        | Kind::ArtifactRegistry => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_words_and_fields_belong_together() {
        for kind in Kind::ALL {
            let mut key = String::new();
            for (at, c) in kind.word().char_indices() {
                if c.is_ascii_uppercase() && at > 0 {
                    key.push('-');
                }
                key.push(c.to_ascii_lowercase());
            }
            assert_eq!(kind.key(), key);
            assert_eq!(Kind::parse(kind.word()), Some(kind));
            assert_eq!(Kind::of_key(kind.key()), Some(kind));
            for parent in kind.parents().iter().chain(kind.optional_parents()) {
                assert!(Kind::of_key(parent).is_some(), "{parent}");
            }
        }
        assert_eq!(
            Kind::of_field("deploymentConfig"),
            Some(Kind::DeploymentConfig)
        );
        assert_eq!(Kind::of_field("DeploymentConfig"), None);
        assert_eq!(Kind::of_field("übler"), None);
    }

    #[test]
    fn no_object_names_a_field_twice_or_requires_an_unknown_one() {
        for kind in Kind::ALL {
            let spec = kind.spec();
            for (at, field) in spec.fields.iter().enumerate() {
                assert!(
                    spec.fields[..at].iter().all(|it| it.name != field.name),
                    "{kind}.{}",
                    field.name
                );
                assert!(!field.doc.is_empty(), "{kind}.{}", field.name);
            }
            for name in spec.exactly_one.iter().chain(spec.at_most_one) {
                assert!(spec.field(name).is_some(), "{kind}.{name}");
            }
        }
    }
}
