//! What the rest of the system asks a graph.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::diagnostic::{Diagnostic, shown, suggestion};
use crate::edit::Document;
use crate::graph::Graph;
use crate::kinds::{
    Application, ApplicationSet, ArtifactRegistry, BuildDefinition, DeploymentConfig, Environment,
    GithubConnection, GithubRepository, Kind, Organization, Policy, ReleaseTrack, Spec, Target,
};
use crate::link::runs;
use crate::manifest::{Manifest, Place};
use crate::pointer::Pointer;
use crate::template::Template;

/// Where the version of one application in one environment is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, from the root of the repository.
    pub file: String,
    /// Which document of it.
    pub document: Document,
    /// Where in the document.
    pub pointer: Pointer,
    /// What is written.
    pub template: Template,
    /// Where the manifest says so: the `DeploymentConfig`, or the entry in `plainFiles`.
    pub declared: Place,
}

/// Written as `file#pointer`, for people and reports.
impl Serialize for Location {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{}#{}", self.file, self.pointer))
    }
}

/// One lookup by name per kind that has one name each.
macro_rules! by_name {
    ($($(#[$doc:meta])* $method:ident, $kind:ident;)*) => {
        impl Graph {
            $(
                $(#[$doc])*
                pub fn $method(&self, name: &str) -> Option<&$kind> {
                    self.named(Kind::$kind, name).find_map(|it| match &it.spec {
                        Spec::$kind(it) => Some(it),
                        _ => None,
                    })
                }
            )*
        }
    };
}

mod lookups {
    use super::{
        Application, ApplicationSet, ArtifactRegistry, BuildDefinition, Environment,
        GithubConnection, GithubRepository, Graph, Kind, Organization, ReleaseTrack, Spec,
    };

    by_name! {
        /// The organization with this name.
        organization, Organization;
        /// The environment with this name.
        environment, Environment;
        /// The release track with this name.
        release_track, ReleaseTrack;
        /// The application set with this name.
        application_set, ApplicationSet;
        /// The application with this name.
        application, Application;
        /// The GitHub connection with this name.
        github_connection, GithubConnection;
        /// The repository with this name.
        github_repository, GithubRepository;
        /// The build definition with this name.
        build_definition, BuildDefinition;
        /// The registry with this name.
        artifact_registry, ArtifactRegistry;
    }
}

fn application(manifest: &Manifest) -> Option<&Application> {
    if let Spec::Application(it) = &manifest.spec {
        Some(it)
    } else {
        None
    }
}

impl Graph {
    /// All applications, by name.
    pub fn applications(&self) -> impl Iterator<Item = &Application> {
        self.of_kind(Kind::Application).filter_map(application)
    }

    /// All environments, by name.
    pub fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.of_kind(Kind::Environment).filter_map(|it| {
            if let Spec::Environment(it) = &it.spec {
                Some(it)
            } else {
                None
            }
        })
    }

    /// Applications that run this container of this definition, by name.
    pub fn applications_of(&self, definition: &str, container: &str) -> Vec<&Application> {
        let Some(definition) = self.build_definition(definition) else {
            return Vec::new();
        };
        self.applications()
            .filter(|it| runs(it, definition, container))
            .collect()
    }

    /// The set an application is released with.
    pub fn application_set_of(&self, application: &Application) -> Option<&ApplicationSet> {
        self.application_set(application.application_set())
    }

    /// Applications of a set, by name.
    pub fn applications_in(&self, set: &str) -> Vec<&Application> {
        self.applications()
            .filter(|it| it.application_set() == set)
            .collect()
    }

    /// The track an application goes along: that of its set.
    pub fn track_of(&self, application: &Application) -> Option<&ReleaseTrack> {
        self.release_track(self.application_set_of(application)?.release_track())
    }

    /// How an application runs in an environment.
    pub fn deployment_config(
        &self,
        application: &Application,
        environment: &str,
    ) -> Option<&DeploymentConfig> {
        self.named(Kind::DeploymentConfig, application.name())
            .filter_map(|it| {
                if let Spec::DeploymentConfig(it) = &it.spec {
                    Some(&**it)
                } else {
                    None
                }
            })
            .find(|it| it.environment() == environment)
    }

    /// Where the version of an application in an environment is written: the environment's entry
    /// in `plainFiles`, else `/spec/version` of the `DeploymentConfig`.
    pub fn version_location(
        &self,
        application: &Application,
        environment: &str,
    ) -> Result<Location, Diagnostic> {
        let here = &application.meta.place;
        let Some(found) = self.environment(environment) else {
            let what = format!("there is no Environment `{}`", shown(environment));
            return Err(
                Diagnostic::new("unresolved-reference", what, &here.file, here.span)
                    .maybe_help(suggestion(environment, self.names(Kind::Environment))),
            );
        };
        let mut plain = found.plain_files.iter();
        if let Some(it) = plain.find(|it| it.application == application.name()) {
            return Ok(Location {
                file: it.file.clone(),
                document: Document::Only,
                pointer: it.pointer.clone(),
                template: it.value.clone(),
                declared: it.place.clone(),
            });
        }
        let config = self
            .named(Kind::DeploymentConfig, application.name())
            .find(|it| it.meta.parent(Kind::Environment) == Some(environment));
        if let Some(config) = config {
            return Ok(Location {
                file: config.meta.place.file.to_string(),
                document: Document::Identity(config.identity()),
                pointer: version_pointer(),
                template: Template::version(),
                declared: config.meta.place.clone(),
            });
        }
        let what = format!(
            "nothing says where the version of `{}` in `{environment}` is written",
            application.name()
        );
        let there = &found.meta.place;
        Err(
            Diagnostic::new("no-version-location", what, &here.file, here.span)
                .label(&there.file, there.span, "the environment is here")
                .help(format!(
                    "add a DeploymentConfig `{}` with `environment: {environment}`, or an entry in `spec.plainFiles` of the environment",
                    application.name()
                )),
        )
    }

    /// Every group that some track asks for approval.
    pub fn approval_groups(&self) -> BTreeSet<&str> {
        let tracks = self.of_kind(Kind::ReleaseTrack).filter_map(|it| {
            if let Spec::ReleaseTrack(it) = &it.spec {
                Some(it)
            } else {
                None
            }
        });
        tracks
            .flat_map(ReleaseTrack::stages)
            .filter_map(|it| it.approval_policy.as_ref())
            .flat_map(Policy::groups)
            .collect()
    }

    /// Whether an application's track asks for approval before an environment.
    pub fn asks_approval(&self, application: &Application, environment: &str) -> bool {
        self.track_of(application).is_some_and(|track| {
            track.stages().any(|stage| {
                stage.approval_policy.is_some()
                    && stage.environments.iter().any(|it| it == environment)
            })
        })
    }

    /// Where an application runs in an environment: the environment may override it.
    pub fn target_of(&self, application: &Application, environment: &str) -> Target {
        self.environment(environment)
            .and_then(|it| it.target_override)
            .unwrap_or(application.target)
    }

    /// The repository a definition builds.
    pub fn repository_of(&self, definition: &BuildDefinition) -> Option<&GithubRepository> {
        self.github_repository(definition.repository())
    }

    /// Where the repository of a definition is fetched from: its own `url`, else the forge.
    pub fn repository_url(&self, definition: &BuildDefinition) -> Option<String> {
        let repository = self.repository_of(definition)?;
        if let Some(url) = &repository.url {
            return Some(url.clone());
        }
        let connection = self.github_connection(repository.connection());
        let organization = connection
            .and_then(|it| it.organization.as_deref())
            .or_else(|| {
                let name = repository.meta.parent(Kind::Organization)?;
                self.organization(name)?.github.as_deref()
            })?;
        let server = connection
            .and_then(|it| it.url.as_deref())
            .unwrap_or("https://github.com")
            .trim_end_matches('/');
        Some(format!(
            "{server}/{organization}/{}.git",
            repository.repository
        ))
    }

    /// Registries the images of a container go to, in the order of the manifest.
    pub fn registries_of(
        &self,
        definition: &BuildDefinition,
        container: &str,
    ) -> Vec<&ArtifactRegistry> {
        definition
            .container(container)
            .into_iter()
            .flat_map(|it| &it.registries)
            .filter_map(|it| self.artifact_registry(it))
            .collect()
    }
}

/// The field that deployments write.
fn version_pointer() -> Pointer {
    Pointer::parse("/spec/version").expect("a literal that begins with a slash")
}
