//! What has to be applied: every committed manifest whose run has not ended. Pure, and free to
//! be asked any number of times.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Every run that succeeded once.
    succeeded: BTreeSet<Uuid>,
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
                    self.succeeded.insert(*run);
                    self.current.insert(it.slot(), it);
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

    /// What has to be kept running, by slot.
    pub fn current(&self) -> impl Iterator<Item = (Uuid, &Due)> {
        self.current.iter().map(|(slot, it)| (*slot, it))
    }

    /// What has to be started in a slot where `serving` runs: what succeeded there last, when
    /// that does not run and no other run is about to replace it. A run that succeeded earlier
    /// gives way; one that is not known to have succeeded is left alone, because it may be newer
    /// than what can be read here.
    pub fn owed(&self, slot: Uuid, serving: Option<Uuid>) -> Option<&Due> {
        let owed = self.current.get(&slot)?;
        let is_right = serving == Some(owed.run);
        let is_unknown = serving.is_some_and(|run| !self.succeeded.contains(&run));
        let in_progress = self.due.values().any(|it| it.slot() == slot);
        (!is_right && !is_unknown && !in_progress).then_some(owed)
    }
}

impl Due {
    /// Where it runs.
    pub fn slot(&self) -> Uuid {
        derive::slot(&self.environment, &self.image.application)
    }

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
        world.observe(&succeeded(run));
        assert_eq!(world.due().count(), 0);
        assert_eq!(
            world.current().map(|it| it.0).collect::<Vec<_>>(),
            [derive::slot("dev", "api")]
        );
    }

    #[test]
    fn what_succeeded_last_is_owed_to_a_slot_that_does_not_run_it() {
        let slot = derive::slot("dev", "api");
        let (first, mut world) = committed();
        let old = derive::run(first, "dev", 0);
        let owed = |world: &World, serving| world.owed(slot, serving).map(|it| it.run);
        assert_eq!(owed(&world, None), None, "it is being carried out");
        world.observe(&succeeded(old));
        assert_eq!(
            owed(&world, None),
            Some(old),
            "also after a start that failed"
        );
        assert_eq!(owed(&world, Some(old)), None);
        let newer = Uuid::from_u128(99);
        assert_eq!(
            owed(&world, Some(newer)),
            None,
            "nobody here can say what it is"
        );
        let second = commit(&mut world, 2);
        let new = derive::run(second, "dev", 0);
        for serving in [None, Some(old), Some(new)] {
            assert_eq!(owed(&world, serving), None, "it is being carried out");
        }
        world.observe(&succeeded(new));
        assert_eq!(owed(&world, Some(old)), Some(new), "a disk was restored");
        assert_eq!(owed(&world, Some(new)), None);
        assert_eq!(world.owed(Uuid::from_u128(9), None), None);
    }

    fn succeeded(run: Uuid) -> Fact {
        let (url, message) = (String::new(), String::new());
        Fact::Run(run, Event::Succeeded { url, message })
    }

    /// A deployment whose manifest holds its version.
    fn committed() -> (Uuid, World) {
        let mut world = World::default();
        (commit(&mut world, 1), world)
    }

    fn commit(world: &mut World, deployment: u128) -> Uuid {
        let deployment = Uuid::from_u128(deployment);
        let image = Image {
            application: "api".into(),
            version: Version::parse("v1").unwrap(),
            digest: Digest::of(b""),
            registries: vec![],
        };
        let commit = Oid::parse(&"a".repeat(40)).unwrap();
        world.observe(&Fact::Opened { deployment, image });
        let committed = Fact::Committed {
            deployment,
            environment: "dev".into(),
            commit,
            attempt: 0,
        };
        world.observe(&committed);
        deployment
    }
}
