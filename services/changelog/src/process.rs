//! Which changelogs have to be written: one for every deployment. Pure, and free to be asked any
//! number of times.

use std::collections::BTreeMap;

use ids::{AggregateId, Oid, Uuid, derive};

/// Something that happened, as far as it matters here.
#[derive(Debug, Clone)]
pub enum Fact {
    /// A deployment was opened.
    Opened(Opened),
    /// An environment runs what a deployment brought.
    Runs {
        /// The deployment.
        deployment: Uuid,
        /// Where.
        environment: String,
    },
    /// The changelog of a deployment was written, or given up.
    Written(Uuid),
}

/// A deployment, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its id.
    pub deployment: Uuid,
    /// The application.
    pub application: String,
    /// The first environment it goes to; empty when it goes to none.
    pub environment: String,
    /// The build definition, which names the source repository.
    pub definition: String,
    /// What it brings.
    pub version: String,
    /// The source commit, when CI said.
    pub commit: Option<Oid>,
}

/// What ran somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// The version.
    pub version: String,
    /// The source commit, when CI said.
    pub commit: Option<Oid>,
}

/// A changelog that has to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The deployment.
    pub opened: Opened,
    /// What ran in its first environment when it was opened.
    pub before: Option<Ran>,
}

/// The changelog of a deployment.
pub fn changelog_id(deployment: Uuid) -> Uuid {
    derive::id("changelog", &[&deployment.to_string()])
}

/// Everything known, folded from the log. Grows with the number of deployments.
#[derive(Debug, Default)]
pub struct World {
    deployments: BTreeMap<Uuid, (String, Ran)>,
    /// By slot.
    running: BTreeMap<Uuid, Ran>,
    due: BTreeMap<Uuid, Due>,
    /// Deployments and changelogs that this binary cannot read, and why.
    aside: BTreeMap<Uuid, (AggregateId, String)>,
}

impl World {
    /// Takes in a fact.
    pub fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Opened(opened) => {
                let brings = Ran {
                    version: opened.version.clone(),
                    commit: opened.commit.clone(),
                };
                let slot = derive::slot(&opened.environment, &opened.application);
                let due = Due {
                    opened: opened.clone(),
                    before: self.running.get(&slot).cloned(),
                };
                let id = opened.deployment;
                self.deployments
                    .insert(id, (opened.application.clone(), brings));
                self.due.insert(id, due);
            }
            Fact::Runs {
                deployment,
                environment,
            } => {
                if let Some((application, brings)) = self.deployments.get(deployment) {
                    let slot = derive::slot(environment, application);
                    self.running.insert(slot, brings.clone());
                }
            }
            Fact::Written(deployment) => {
                self.due.remove(deployment);
            }
        }
    }

    /// Leaves alone the changelog of a deployment that a newer binary wrote about.
    pub fn set_aside(&mut self, aggregate: &AggregateId, why: String) {
        let left = aggregate.id();
        self.due
            .retain(|id, _| *id != left && changelog_id(*id) != left);
        self.aside.insert(left, (aggregate.clone(), why));
    }

    /// What is left alone, and why.
    pub fn all_aside(&self) -> impl Iterator<Item = &(AggregateId, String)> {
        self.aside.values()
    }

    /// Why the changelog of a deployment is left alone, when it is.
    pub fn aside(&self, deployment: Uuid) -> Option<&str> {
        let of = [deployment, changelog_id(deployment)];
        let found = of.iter().find_map(|it| self.aside.get(it));
        found.map(|(_, why)| why.as_str())
    }

    /// Changelogs that have to be written, by deployment.
    pub fn due(&self) -> &BTreeMap<Uuid, Due> {
        &self.due
    }

    /// Deployments whose ids begin with a text.
    pub fn named<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = Uuid> + 'a {
        let all = self.deployments.keys().copied();
        all.filter(move |id| id.to_string().starts_with(prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(deployment: u128, environment: &str, version: &str) -> Fact {
        Fact::Opened(Opened {
            deployment: Uuid::from_u128(deployment),
            application: "api".into(),
            environment: environment.into(),
            definition: "api".into(),
            version: version.into(),
            commit: None,
        })
    }

    fn runs(deployment: u128, environment: &str) -> Fact {
        Fact::Runs {
            deployment: Uuid::from_u128(deployment),
            environment: environment.into(),
        }
    }

    fn before(world: &World, deployment: u128) -> Option<&str> {
        let due = &world.due()[&Uuid::from_u128(deployment)];
        due.before.as_ref().map(|it| it.version.as_str())
    }

    #[test]
    fn a_deployment_is_compared_with_what_ran_when_it_was_opened() {
        let mut world = World::default();
        for fact in [
            opened(1, "dev", "v1"),
            opened(2, "dev", "v2"),
            runs(1, "dev"),
            opened(3, "dev", "v3"),
            opened(4, "staging", "v3"),
            runs(3, "dev"),
            runs(1, "staging"),
        ] {
            world.observe(&fact);
        }
        assert_eq!(before(&world, 1), None);
        assert_eq!(before(&world, 2), None);
        assert_eq!(before(&world, 3), Some("v1"));
        assert_eq!(before(&world, 4), None);
        world.observe(&opened(5, "dev", "v1"));
        assert_eq!(before(&world, 5), Some("v3"));
        world.observe(&Fact::Written(Uuid::from_u128(5)));
        assert_eq!(world.due().len(), 4);
        assert_eq!(world.named("00000000-").count(), 5);
        let written = AggregateId::new("changelog", changelog_id(Uuid::from_u128(4)));
        let told = AggregateId::new("deployment", Uuid::from_u128(3));
        for aggregate in [&written, &told] {
            world.set_aside(aggregate, "from the future".into());
        }
        let due: Vec<_> = world.due().keys().map(Uuid::as_u128).collect();
        assert_eq!(due, [1, 2]);
        assert!(world.aside(Uuid::from_u128(4)).is_some());
        let all: Vec<_> = world.all_aside().map(|(it, _)| it).collect();
        assert!(all.len() == 2 && all.contains(&&written) && all.contains(&&told));
    }
}
