//! A build: one version of one container of one build definition, for ever. The same version
//! with other bytes is quarantined, because nobody could say any more what runs.

use decider::Decider;
use ids::{Digest, Oid, ReleaseType, Version};

use super::track::Destination;

/// What CI said about a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The build definition's name.
    pub definition: String,
    /// The container's name within the definition.
    pub container: String,
    /// The version, which is also the image's tag.
    pub version: Version,
    /// What kind of version it is.
    pub release_type: ReleaseType,
    /// The image.
    pub digest: Digest,
    /// Names of the registries that hold it.
    pub registries: Vec<String>,
    /// The source commit, when CI said.
    pub commit: Option<Oid>,
    /// CI's run number, when CI said.
    pub ci_run: Option<u64>,
}

/// Where the manifests send a build, found out before the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Routing {
    /// To these applications.
    To(Vec<Destination>),
    /// No track takes this type; a release may pick it.
    Kept,
    /// No application is made from it.
    Unmatched {
        /// A manifest that would match.
        wanted_manifest: String,
    },
}

/// The only thing anyone asks of a build.
#[derive(Debug, Clone)]
pub struct Command {
    /// What CI said.
    pub report: Report,
    /// What the manifests say.
    pub routing: Routing,
}

/// What happens to a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// CI reported it for the first time.
    Reported(Report),
    /// It entered these applications' tracks.
    Routed(Vec<Destination>),
    /// It is kept for a release.
    Kept,
    /// Nothing is made from it.
    Unmatched {
        /// A manifest that would match.
        wanted_manifest: String,
    },
    /// It was reported again with another digest.
    Quarantined {
        /// The digest reported now.
        digest: Digest,
    },
}

/// What is known of a build.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every one that exists is Known; boxing would only hide it"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum State {
    /// Nobody reported it.
    #[default]
    Unreported,
    /// It was reported.
    Known {
        /// As first reported.
        report: Report,
        /// What became of it.
        status: Status,
        /// Where it went, whatever became of it later.
        destinations: Vec<Destination>,
    },
}

/// What became of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// On its way to its destinations.
    Routed,
    /// Kept for a release.
    Kept,
    /// Nothing is made from it.
    Unmatched {
        /// A manifest that would match.
        wanted_manifest: String,
    },
    /// Reported with two digests.
    Quarantined {
        /// The second digest.
        digest: Digest,
    },
}

impl Status {
    /// The word in answers.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Routed => "ROUTED",
            Self::Kept => "KEPT",
            Self::Unmatched { .. } => "UNMATCHED",
            Self::Quarantined { .. } => "QUARANTINED",
        }
    }
}

/// Why a report is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Builds of type NONE exist only in CI.
    #[error("a build of release type NONE is never deployed")]
    NotDeployable,
}

/// Decides builds.
#[derive(Debug)]
pub struct Build;

impl Decider for Build {
    const KIND: &'static str = "build";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: &Command) -> Result<Vec<Event>, Rejection> {
        let report = &command.report;
        match state {
            State::Unreported if report.release_type == ReleaseType::None => {
                Err(Rejection::NotDeployable)
            }
            State::Unreported => Ok(vec![
                Event::Reported(report.clone()),
                routed(&command.routing),
            ]),
            State::Known {
                report: first,
                status,
                ..
            } if first.digest != report.digest => match status {
                Status::Quarantined { .. } => Ok(vec![]),
                Status::Routed | Status::Kept | Status::Unmatched { .. } => {
                    Ok(vec![Event::Quarantined {
                        digest: report.digest.clone(),
                    }])
                }
            },
            // A manifest that was missing at first may be there by now.
            State::Known {
                status: Status::Unmatched { .. },
                ..
            } => match &command.routing {
                Routing::To(_) | Routing::Kept => Ok(vec![routed(&command.routing)]),
                Routing::Unmatched { .. } => Ok(vec![]),
            },
            State::Known { .. } => Ok(vec![]),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        let with = |status: Status, found: Option<&Vec<Destination>>| match state.clone() {
            State::Unreported => State::Unreported,
            State::Known {
                report,
                destinations,
                ..
            } => State::Known {
                report,
                status,
                destinations: found.cloned().unwrap_or(destinations),
            },
        };
        match event {
            Event::Reported(report) => State::Known {
                report: report.clone(),
                status: Status::Unmatched {
                    wanted_manifest: String::new(),
                },
                destinations: vec![],
            },
            Event::Routed(destinations) => with(Status::Routed, Some(destinations)),
            Event::Kept => with(Status::Kept, None),
            Event::Unmatched { wanted_manifest } => with(
                Status::Unmatched {
                    wanted_manifest: wanted_manifest.clone(),
                },
                None,
            ),
            Event::Quarantined { digest } => with(
                Status::Quarantined {
                    digest: digest.clone(),
                },
                None,
            ),
        }
    }
}

fn routed(routing: &Routing) -> Event {
    match routing {
        Routing::To(destinations) => Event::Routed(destinations.clone()),
        Routing::Kept => Event::Kept,
        Routing::Unmatched { wanted_manifest } => Event::Unmatched {
            wanted_manifest: wanted_manifest.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decider::given;

    fn report(digest: &str) -> Report {
        Report {
            definition: "api".into(),
            container: "api".into(),
            version: Version::parse("v1.0.0").unwrap(),
            release_type: ReleaseType::Latest,
            digest: Digest::of(digest.as_bytes()),
            registries: vec!["local".into()],
            commit: None,
            ci_run: None,
        }
    }

    fn command(digest: &str, routing: Routing) -> Command {
        Command {
            report: report(digest),
            routing,
        }
    }

    #[test]
    fn the_same_report_changes_nothing() {
        given::<Build>([])
            .then(
                &command("a", Routing::Kept),
                &[Event::Reported(report("a")), Event::Kept],
            )
            .then(&command("a", Routing::Kept), &[]);
    }

    #[test]
    fn another_digest_is_quarantined_once_and_for_ever() {
        let after = given::<Build>([Event::Reported(report("a")), Event::Kept])
            .then(
                &command("b", Routing::Kept),
                &[Event::Quarantined {
                    digest: Digest::of(b"b"),
                }],
            )
            .then(&command("b", Routing::Kept), &[])
            .then(&command("c", Routing::Kept), &[])
            .then(&command("a", Routing::To(vec![])), &[]);
        assert!(matches!(
            after.state(),
            State::Known {
                status: Status::Quarantined { .. },
                ..
            }
        ));
    }

    #[test]
    fn an_unmatched_build_is_routed_when_its_application_appears() {
        let unmatched = Routing::Unmatched {
            wanted_manifest: "kind: Application".into(),
        };
        given::<Build>([])
            .when(&command("a", unmatched.clone()))
            .then(&command("a", unmatched), &[])
            .then(&command("a", Routing::To(vec![])), &[Event::Routed(vec![])]);
    }

    #[test]
    fn type_none_is_refused() {
        let mut none = command("a", Routing::Kept);
        none.report.release_type = ReleaseType::None;
        let _state = given::<Build>([]).refuses(&none, &Rejection::NotDeployable);
    }
}
