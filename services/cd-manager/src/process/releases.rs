//! Release candidates: what the releaser says, and the deployments that follow from it.

use ids::{Uuid, derive};

use super::{Effect, Request, World, request};
use crate::domain::build;
use crate::domain::release::{Candidate, News, Release, Step};
use crate::domain::track::Kind;

/// The deployment that takes an application of a pass through the release stages. The releaser
/// derives the same id.
fn deployment_id(release: Uuid, application: &str, ordinal: u32) -> Uuid {
    derive::deployment(release, application, Kind::Release.as_str(), ordinal)
}

impl World {
    /// The release with this id.
    pub fn release(&self, id: Uuid) -> Option<&Release> {
        self.releases.get(&id)
    }

    /// All releases.
    pub fn releases(&self) -> impl Iterator<Item = (Uuid, &Release)> {
        self.releases.iter().map(|(id, it)| (*id, it))
    }

    /// The candidate of an application that was tagged with this version.
    pub fn candidate_of(&self, application: &str, version: &str) -> Option<&Candidate> {
        let is_it = |it: &&Candidate| {
            it.application == application && it.report.version.as_str() == version
        };
        self.candidates.values().map(|it| &it.1).find(is_it)
    }

    pub(super) fn release_news(&mut self, id: Uuid, news: &News) {
        self.dirty_releases.insert(id);
        let release = self.releases.entry(id).or_default();
        match news {
            News::Created {
                application_set,
                bundle,
            } => {
                release.application_set.clone_from(application_set);
                release.bundle.clone_from(bundle);
            }
            News::Begun {
                ordinal,
                requested_by,
            } => {
                release.ordinal = *ordinal;
                release.requested_by.clone_from(requested_by);
                release.tag = None;
                release.step = Step::Tagging;
                release.deployments.clear();
            }
            News::Numbered(tag) => release.tag = Some(tag.clone()),
            News::Ready(candidates) => {
                release.step = Step::Promoting;
                for candidate in candidates {
                    let deployment = deployment_id(id, &candidate.application, release.ordinal);
                    release.deployments.push(deployment);
                    let candidate = Candidate {
                        requested_by: release.requested_by.clone(),
                        ..candidate.clone()
                    };
                    self.candidates.insert(deployment, (id, candidate));
                }
            }
            News::Over { state, message } => {
                release.step = Step::Over {
                    state: state.clone(),
                    message: message.clone(),
                };
            }
            News::Resumed => release.step = Step::Promoting,
        }
    }

    /// Something happened to a deployment: the release that it may be of is looked at again.
    pub(super) fn touch_release_of(&mut self, deployment: Uuid) {
        if let Some((release, _)) = self.candidates.get(&deployment) {
            self.dirty_releases.insert(*release);
        }
    }

    /// A build must go no further: neither must what was released of it.
    pub(super) fn touch_releases_of_build(&mut self, build: Uuid) {
        let of = self.candidates.values().filter(|it| it.1.build == build);
        self.dirty_releases.extend(of.map(|it| it.0));
    }

    pub(super) fn react_to_release(&self, id: Uuid, requests: &mut Vec<Request>) {
        let Some(release) = self.releases.get(&id) else {
            return;
        };
        if self.aside.contains_key(&id) {
            return;
        }
        for deployment in &release.deployments {
            let Some((_, candidate)) = self.candidates.get(deployment) else {
                continue;
            };
            let effect = match self.deployment(*deployment) {
                None if self.aside.contains_key(deployment) => continue,
                None if release.step == Step::Promoting => {
                    Effect::OpenRelease(Box::new(candidate.clone()))
                }
                Some(known) if known.end.is_none() && self.is_quarantined(candidate.build) => {
                    Effect::Quarantine
                }
                None | Some(_) => continue,
            };
            requests.push(request(*deployment, "", 0, effect));
        }
    }

    fn is_quarantined(&self, build: Uuid) -> bool {
        matches!(
            self.build(build),
            Some(build::State::Known {
                status: build::Status::Quarantined { .. },
                ..
            })
        )
    }
}

#[cfg(test)]
mod tests {
    use ids::{Digest, ReleaseType, Version};

    use super::super::Fact;
    use super::*;
    use crate::domain::build::Report;
    use crate::domain::deployment::{self, Created, End};
    use crate::domain::track::{Destination, Stage};

    const RELEASE: Uuid = Uuid::from_u128(5);
    const BUILD: Uuid = Uuid::from_u128(6);

    fn candidate() -> Candidate {
        Candidate {
            application: "api".into(),
            build: BUILD,
            built_as: Version::parse("v1").unwrap(),
            report: Report {
                definition: "api".into(),
                container: "api".into(),
                version: Version::parse("shop-1-rc.0").unwrap(),
                release_type: ReleaseType::Latest,
                digest: Digest::of(b"1"),
                registries: vec!["local".into()],
                commit: None,
                ci_run: None,
            },
            reason: "release shop/1: v1".into(),
            requested_by: "rosa".into(),
            ready_at: 9,
        }
    }

    fn ready() -> World {
        let mut world = World::default();
        for news in [
            News::Created {
                application_set: "shop".into(),
                bundle: "1".into(),
            },
            News::Begun {
                ordinal: 0,
                requested_by: "rosa".into(),
            },
            News::Numbered(candidate().report.version),
        ] {
            world.observe(&Fact::Release(RELEASE, news));
            assert!(world.react(0).0.is_empty(), "nothing before the tag stands");
        }
        world.observe(&Fact::Release(RELEASE, News::Ready(vec![candidate()])));
        world
    }

    fn open(world: &mut World) -> Uuid {
        let id = deployment_id(RELEASE, "api", 0);
        let to = Destination {
            application: "api".into(),
            application_set: "shop".into(),
            track: "main".into(),
            kind: Kind::Release,
            stages: vec![Stage::new(0, vec!["staging".into()])],
            deployment: id,
        };
        let created = Created::routed(BUILD, &candidate().report, &to, 9);
        let event = deployment::Event::Created(created);
        world.observe(&Fact::Deployment(id, event));
        id
    }

    #[test]
    fn a_candidate_that_is_ready_is_opened_once_and_ordered_by_its_number() {
        let mut world = ready();
        let (requests, _) = world.react(0);
        let wanted = Effect::OpenRelease(Box::new(candidate()));
        assert_eq!((requests.len(), &requests[0].effect), (1, &wanted));
        let id = open(&mut world);
        assert_eq!(requests[0].deployment, id);
        let (requests, _) = world.react(0);
        let offered = requests.iter().map(|it| &it.effect);
        let offered: Vec<_> = offered.collect();
        assert!(
            matches!(
                offered[..],
                [Effect::Offer {
                    definition: None,
                    ..
                }]
            ),
            "{offered:?}"
        );
        assert_eq!(world.candidate_of("api", "shop-1-rc.0"), Some(&candidate()));
        assert_eq!(world.candidate_of("shop", "shop-1-rc.0"), None);
    }

    #[test]
    fn what_is_released_of_a_quarantined_build_is_quarantined() {
        let mut world = ready();
        let id = open(&mut world);
        for event in [
            build::Event::Reported(candidate().report),
            build::Event::Quarantined {
                digest: Digest::of(b"2"),
            },
        ] {
            world.observe(&Fact::Build(BUILD, 1, event));
        }
        let (requests, _) = world.react(0);
        let is_it = |it: &std::sync::Arc<Request>| it.effect == Effect::Quarantine;
        assert!(requests.iter().any(is_it), "{requests:?}");
        let ended = End::Quarantined {
            message: String::new(),
        };
        world.observe(&Fact::Deployment(id, deployment::Event::Ended(ended)));
        let (requests, _) = world.react(0);
        assert!(!requests.iter().any(is_it), "{requests:?}");
    }
}
