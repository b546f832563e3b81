//! What has to be applied: every committed manifest whose run has not ended. Pure, and free to
//! be asked any number of times.

use std::collections::BTreeMap;

use ids::{AggregateId, Digest, Oid, Uuid, Version, derive};

use crate::domain::run::{Event, Subject};

/// Something that happened, as far as it matters here.
#[derive(Debug, Clone)]
pub enum Fact {
    /// A deployment was opened.
    Opened {
        /// Its id.
        deployment: Uuid,
        /// What it brings.
        image: Image,
    },
    /// A manifest holds its version.
    Committed {
        /// The deployment.
        deployment: Uuid,
        /// Where.
        environment: String,
        /// The commit.
        commit: Oid,
        /// Which try.
        attempt: u32,
    },
    /// Something happened to a run.
    Run(Uuid, Event),
}

/// What a deployment brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The application.
    pub application: String,
    /// The version.
    pub version: Version,
    /// The image.
    pub digest: Digest,
    /// Registries that hold it.
    pub registries: Vec<String>,
}

/// A run that has to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The run.
    pub run: Uuid,
    /// The deployment.
    pub deployment: Uuid,
    /// Where.
    pub environment: String,
    /// The commit that is applied.
    pub commit: Oid,
    /// Which try.
    pub attempt: u32,
    /// What it brings.
    pub image: Image,
}

/// Everything known, folded from the log. Grows with the number of deployments.
#[derive(Debug, Default)]
pub struct World {
    images: BTreeMap<Uuid, Image>,
    due: BTreeMap<Uuid, Due>,
    /// The last run that succeeded, by slot: what has to be kept running.
    current: BTreeMap<Uuid, Due>,
    begun: BTreeMap<Uuid, Due>,
    /// What this binary cannot read, and why.
    aside: BTreeMap<AggregateId, String>,
}

impl World {
    /// Takes in a fact.
    pub fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Opened { deployment, image } => {
                self.images.insert(*deployment, image.clone());
            }
            Fact::Committed {
                deployment,
                environment,
                commit,
                attempt,
            } => {
                let Some(image) = self.images.get(deployment) else {
                    return;
                };
                let run = derive::run(*deployment, environment, *attempt);
                let due = Due {
                    run,
                    deployment: *deployment,
                    environment: environment.clone(),
                    commit: commit.clone(),
                    attempt: *attempt,
                    image: image.clone(),
                };
                if self.aside.keys().any(|it| it.id() == run) {
                    return;
                }
                self.begun.insert(run, due.clone());
                self.due.insert(run, due);
            }
            Fact::Run(_, Event::Started(_)) => {}
            Fact::Run(run, Event::Succeeded { .. }) => {
                self.due.remove(run);
                if let Some(it) = self.begun.remove(run) {
                    self.current
                        .insert(derive::slot(&it.environment, &it.image.application), it);
                }
            }
            Fact::Run(run, Event::Failed { .. }) => {
                self.due.remove(run);
                self.begun.remove(run);
            }
        }
    }

    /// Leaves alone a run, or everything of a deployment. What runs goes on running.
    pub fn set_aside(&mut self, aggregate: &AggregateId, why: String) {
        let id = aggregate.id();
        let stays = |it: &Due| it.run != id && it.deployment != id;
        self.due.retain(|_, it| stays(it));
        self.begun.retain(|_, it| stays(it));
        self.aside.insert(aggregate.clone(), why);
    }

    /// What is left alone, and why.
    pub fn aside(&self) -> &BTreeMap<AggregateId, String> {
        &self.aside
    }

    /// Runs that have to be carried out.
    pub fn due(&self) -> impl Iterator<Item = &Due> {
        self.due.values()
    }

    /// What has to be kept running, by slot, where nothing else is about to replace it.
    pub fn current(&self) -> impl Iterator<Item = (Uuid, &Due)> {
        self.current.iter().map(|(slot, it)| (*slot, it))
    }
}

impl Due {
    /// What the run records of itself.
    pub fn subject(&self, target: &str) -> Subject {
        Subject {
            deployment: self.deployment,
            environment: self.environment.clone(),
            application: self.image.application.clone(),
            version: self.image.version.clone(),
            digest: self.image.digest.clone(),
            manifest_commit: self.commit.clone(),
            target: target.to_owned(),
            attempt: self.attempt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_not_applied() {
        for kind in ["deployment", "run"] {
            let (deployment, mut world) = committed();
            let run = derive::run(deployment, "dev", 0);
            let id = if kind == "run" { run } else { deployment };
            world.set_aside(&AggregateId::new(kind, id), "from the future".into());
            assert_eq!(world.due().count(), 0, "{kind}");
        }
    }

    #[test]
    fn a_committed_manifest_is_due_until_its_run_ends() {
        let (deployment, mut world) = committed();
        let run = derive::run(deployment, "dev", 0);
        assert_eq!(world.due().map(|it| it.run).collect::<Vec<_>>(), [run]);
        world.observe(&Fact::Run(
            run,
            Event::Succeeded {
                url: String::new(),
                message: String::new(),
            },
        ));
        assert_eq!(world.due().count(), 0);
        assert_eq!(
            world.current().map(|it| it.0).collect::<Vec<_>>(),
            [derive::slot("dev", "api")]
        );
    }

    /// A deployment whose manifest holds its version.
    fn committed() -> (Uuid, World) {
        let deployment = Uuid::from_u128(1);
        let image = Image {
            application: "api".into(),
            version: Version::parse("v1").unwrap(),
            digest: Digest::of(b""),
            registries: vec![],
        };
        let commit = Oid::parse(&"a".repeat(40)).unwrap();
        let mut world = World::default();
        world.observe(&Fact::Opened { deployment, image });
        let committed = Fact::Committed {
            deployment,
            environment: "dev".into(),
            commit,
            attempt: 0,
        };
        world.observe(&committed);
        (deployment, world)
    }
}
