//! What a stage would do, as one digest: whoever approves, approves exactly this.

use ids::{Digest, Oid, Version};
use policy::{Policy, Who};

use super::track::{Kind, Stage};

/// What a stage would bring to one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub environment: String,
    /// The application.
    pub application: String,
    /// The image.
    pub digest: Digest,
    /// The file that holds the version.
    pub file: String,
    /// Git blob id of the configuration, with the version replaced by a fixed marker.
    pub configuration: Oid,
    /// Git blob id of the whole file as it was.
    pub blob: Option<Oid>,
}

/// What a stage would do, and who has to say yes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The stage.
    pub stage: String,
    /// How often the stage was planned before.
    pub revision: u32,
    /// All of it, in canonical order.
    pub digest: Digest,
    /// The snapshotted track.
    pub track: Digest,
    /// Who has to say yes.
    pub policy: Policy,
    /// Who asked for the deployment.
    pub requested_by: String,
    /// What is deployed.
    pub application: String,
    /// Which version of it, for people: the digest of the image is what counts.
    pub version: Version,
    /// By environment and application.
    pub changes: Vec<Change>,
}

/// What a plan is for.
#[derive(Debug, Clone)]
pub struct About {
    /// The stage.
    pub stage: String,
    /// How often it was planned before.
    pub revision: u32,
    /// The snapshotted track.
    pub track: Digest,
    /// Who has to say yes.
    pub policy: Policy,
    /// Who asked for the deployment.
    pub requested_by: String,
    /// What is deployed.
    pub application: String,
    /// Which version of it.
    pub version: Version,
}

impl Plan {
    /// Orders the changes and takes the digest.
    pub fn new(about: About, mut changes: Vec<Change>) -> Self {
        changes.sort_by(|a, b| {
            (&a.environment, &a.application).cmp(&(&b.environment, &b.application))
        });
        let mut canon = Canon::default();
        canon.text("towpath plan 1");
        canon.text(&about.stage);
        canon.text(about.track.as_str());
        canon.count(changes.len());
        for it in &changes {
            for part in [
                &it.environment,
                &it.application,
                it.digest.as_str(),
                it.configuration.as_str(),
            ] {
                canon.text(part);
            }
        }
        Self {
            stage: about.stage,
            revision: about.revision,
            digest: canon.digest(),
            track: about.track,
            policy: about.policy,
            requested_by: about.requested_by,
            application: about.application,
            version: about.version,
            changes,
        }
    }

    /// What it would bring to an environment.
    pub fn change(&self, environment: &str) -> Option<&Change> {
        self.changes.iter().find(|it| it.environment == environment)
    }

    /// The environments, in order.
    pub fn environments(&self) -> Vec<String> {
        self.changes
            .iter()
            .map(|it| it.environment.clone())
            .collect()
    }

    /// The first change that differs from the one planned for the same environment.
    pub fn differs<'a>(&self, now: &'a [Change]) -> Option<&'a Change> {
        now.iter().find(|it| {
            self.change(&it.environment).is_none_or(|planned| {
                (
                    &planned.application,
                    &planned.digest,
                    &planned.configuration,
                ) != (&it.application, &it.digest, &it.configuration)
            })
        })
    }
}

/// The digest of a snapshotted track.
pub fn track_digest(name: &str, kind: Kind, stages: &[Stage]) -> Digest {
    let mut canon = Canon::default();
    canon.text("towpath track 1");
    canon.text(name);
    canon.text(kind.as_str());
    canon.count(stages.len());
    for stage in stages {
        canon.text(&stage.id);
        canon.texts(&stage.environments);
        canon.texts(&stage.gates);
        canon.count(stage.approval.iter().len());
        if let Some(policy) = &stage.approval {
            canon.policy(policy);
        }
    }
    canon.digest()
}

/// Bytes that only one meaning has: every part behind its length.
#[derive(Default)]
struct Canon(Vec<u8>);

impl Canon {
    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.count(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    fn policy(&mut self, policy: &Policy) {
        let (word, min, policies): (_, _, &[Policy]) = match policy {
            Policy::Stakeholder { who, min } => {
                let (word, name) = match who {
                    Who::Group(name) => ("group", name),
                    Who::User(name) => ("user", name),
                };
                self.text(name);
                (word, *min, &[])
            }
            Policy::AnyOf { min, policies } => ("any_of", *min, policies),
            Policy::AllOf { policies } => ("all_of", 0, policies),
        };
        self.text(word);
        self.count(min as usize);
        self.count(policies.len());
        for policy in policies {
            self.policy(policy);
        }
    }

    fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        Policy::Stakeholder {
            who: Who::Group("qa".into()),
            min: 1,
        }
    }

    fn change(environment: &str, configuration: &str) -> Change {
        Change {
            environment: environment.into(),
            application: "api".into(),
            digest: Digest::of(b"image"),
            file: "f.yaml".into(),
            configuration: Oid::parse(&configuration.repeat(40)).unwrap(),
            blob: None,
        }
    }

    fn plan(stage: &str, changes: Vec<Change>) -> Plan {
        let about = About {
            stage: stage.into(),
            revision: 0,
            track: Digest::of(b"track"),
            policy: policy(),
            requested_by: "ci".into(),
            application: "api".into(),
            version: Version::parse("v1").unwrap(),
        };
        Plan::new(about, changes)
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let (a, b) = (change("a", "1"), change("b", "2"));
        let first = plan("s", vec![a.clone(), b.clone()]);
        assert_eq!(first.digest, plan("s", vec![b.clone(), a.clone()]).digest);
        for other in [
            plan("t", vec![a.clone(), b.clone()]),
            plan("s", vec![a.clone()]),
            plan("s", vec![a.clone(), change("b", "3")]),
            plan(
                "s",
                vec![
                    a,
                    Change {
                        digest: Digest::of(b"other"),
                        ..b
                    },
                ],
            ),
        ] {
            assert_ne!(first.digest, other.digest);
        }
    }

    #[test]
    fn a_track_is_all_it_asks_for() {
        let mut stages = vec![Stage::new(0, vec!["a".into()])];
        let before = track_digest("main", Kind::PreRelease, &stages);
        stages[0].approval = Some(policy());
        let after = track_digest("main", Kind::PreRelease, &stages);
        assert_ne!(before, after);
        stages[0].approval = Some(Policy::AllOf {
            policies: vec![policy()],
        });
        assert_ne!(after, track_digest("main", Kind::PreRelease, &stages));
    }

    #[test]
    fn what_differs_is_found() {
        let planned = plan("s", vec![change("a", "1"), change("b", "2")]);
        let same = [change("b", "2")];
        let other = [change("a", "1"), change("b", "3")];
        assert_eq!(planned.differs(&same), None);
        assert_eq!(planned.differs(&other), Some(&other[1]));
    }
}
