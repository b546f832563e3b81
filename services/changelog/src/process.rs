//! Which changelogs have to be written: one for every deployment, and one for every range that a
//! release takes an environment through. Pure, and free to be asked any number of times.

mod releases;

use std::collections::{BTreeMap, BTreeSet};

use ids::{AggregateId, Oid, Uuid, derive};

pub use self::releases::{Item, News, Release, Stand};

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
        /// When, in microseconds UTC.
        at_us: i64,
    },
    /// The changelog of a deployment was written, or given up.
    Written {
        /// The deployment.
        deployment: Uuid,
        /// It says all that one of a range would say.
        is_whole: bool,
    },
    /// What lies in a range was written, or given up.
    RangeWritten(Uuid),
    /// Something happened to a release.
    Release(Uuid, News),
}

/// A deployment, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its id.
    pub deployment: Uuid,
    /// The application.
    pub application: String,
    /// The environments that it goes to, in order.
    pub environments: Vec<String>,
    /// The build definition, which names the source repository.
    pub definition: String,
    /// What it brings.
    pub version: String,
    /// The image.
    pub digest: String,
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

/// A changelog of a deployment that has to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The deployment.
    pub opened: Opened,
    /// What ran in its first environment when it was opened.
    pub before: Option<Ran>,
}

impl Due {
    /// Both ends; nothing when CI did not say a commit.
    fn ends(&self) -> Option<(Option<&Oid>, &Oid)> {
        let from = match &self.before {
            None => None,
            Some(ran) => Some(ran.commit.as_ref()?),
        };
        Some((from, self.opened.commit.as_ref()?))
    }
}

/// A range that has to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The release that it is wanted for.
    pub release: Uuid,
    /// The application.
    pub application: String,
    /// The build definition, which names the source repository.
    pub definition: String,
    /// Where it begins, unless nothing ran.
    pub from: Option<Oid>,
    /// Where it ends.
    pub to: Oid,
}

/// Something that has to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// What a deployment changes.
    Deployment(Due),
    /// What lies in a range.
    Range(Wanted),
}

/// The changelog of a deployment.
pub fn changelog_id(deployment: Uuid) -> Uuid {
    derive::id("changelog", &[&deployment.to_string()])
}

/// The changelog of a range of a build definition's commits.
pub fn range_id(definition: &str, from: Option<&Oid>, to: &Oid) -> Uuid {
    let from = from.map_or("", Oid::as_str);
    derive::id("changelog-range", &[definition, from, to.as_str()])
}

/// That an environment runs what a deployment brought.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    deployment: Uuid,
    at_us: i64,
}

/// Everything known, folded from the log. Grows with the number of deployments.
#[derive(Debug, Default)]
pub struct World {
    deployments: BTreeMap<Uuid, Opened>,
    /// What ran in each slot, oldest first.
    arrivals: BTreeMap<Uuid, Vec<Arrival>>,
    /// By slot and deployment, its place among the slot's arrivals.
    arrived: BTreeMap<(Uuid, Uuid), usize>,
    due: BTreeMap<Uuid, Due>,
    releases: BTreeMap<Uuid, Release>,
    /// Releases that may still come somewhere, or go on.
    open: BTreeSet<Uuid>,
    /// Where the last release of each application set went.
    ways: BTreeMap<String, Vec<String>>,
    /// Deployments of releases, and the release each is of.
    owners: BTreeMap<Uuid, Uuid>,
    /// The range that each release needs for each slot, as long as it is not written.
    wanted: BTreeMap<(Uuid, Uuid), Wanted>,
    /// Ranges that are written, and the changelog that says each.
    written: BTreeMap<Uuid, Uuid>,
    /// Deployments, releases and changelogs that this binary cannot read, and why.
    aside: BTreeMap<Uuid, (AggregateId, String)>,
}

impl World {
    /// Takes in a fact.
    pub fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::Opened(opened) => self.opened(opened),
            Fact::Runs {
                deployment,
                environment,
                at_us,
            } => self.runs(*deployment, environment, *at_us),
            Fact::Written {
                deployment,
                is_whole,
            } => {
                let due = self.due.remove(deployment);
                let Some(due) = due else { return };
                if let (true, Some((from, to))) = (*is_whole, due.ends()) {
                    let range = range_id(&due.opened.definition, from, to);
                    self.range_written(range, changelog_id(*deployment));
                }
                self.want_for(&due.opened.application);
            }
            Fact::RangeWritten(id) => self.range_written(*id, *id),
            Fact::Release(id, news) => self.release_news(*id, news),
        }
    }

    fn opened(&mut self, opened: &Opened) {
        let first = opened.environments.first().map_or("", String::as_str);
        let due = Due {
            opened: opened.clone(),
            before: self.running(first, &opened.application).map(Opened::ran),
        };
        self.deployments.insert(opened.deployment, opened.clone());
        self.due.insert(opened.deployment, due);
        if let Some(release) = self.owners.get(&opened.deployment).copied() {
            self.way_known(release, &opened.environments);
        }
    }

    fn runs(&mut self, deployment: Uuid, environment: &str, at_us: i64) {
        let Some(opened) = self.deployments.get(&deployment) else {
            return;
        };
        let application = opened.application.clone();
        let slot = derive::slot(environment, &application);
        let all = self.arrivals.entry(slot).or_default();
        if all.last().is_none_or(|it| it.deployment != deployment) {
            self.arrived.entry((slot, deployment)).or_insert(all.len());
            all.push(Arrival { deployment, at_us });
            self.want_for(&application);
        }
    }

    fn range_written(&mut self, range: Uuid, changelog: Uuid) {
        self.written.entry(range).or_insert(changelog);
        self.wanted.retain(|_, it| it.id() != range);
    }

    /// What an environment runs of an application.
    fn running(&self, environment: &str, application: &str) -> Option<&Opened> {
        let all = self.arrivals.get(&derive::slot(environment, application))?;
        self.deployments.get(&all.last()?.deployment)
    }

    /// Leaves alone what a newer binary wrote about: changelogs, and what rests on a deployment
    /// or a release.
    pub fn set_aside(&mut self, aggregate: &AggregateId, why: String) {
        let left = aggregate.id();
        self.due
            .retain(|id, _| *id != left && changelog_id(*id) != left);
        self.wanted
            .retain(|(release, _), it| *release != left && it.id() != left);
        self.aside.insert(left, (aggregate.clone(), why));
    }

    /// What is left alone, and why.
    pub fn all_aside(&self) -> impl Iterator<Item = &(AggregateId, String)> {
        self.aside.values()
    }

    /// Why the changelog of a deployment is left alone, when it is.
    pub fn aside(&self, deployment: Uuid) -> Option<&str> {
        let of = [deployment, changelog_id(deployment)];
        of.into_iter().find_map(|it| self.why_aside(it))
    }

    /// Why one of deployments, releases and changelogs is left alone, when it is.
    pub fn why_aside(&self, id: Uuid) -> Option<&str> {
        self.aside.get(&id).map(|(_, why)| why.as_str())
    }

    /// Changelogs that have to be written, by id.
    pub fn due(&self) -> BTreeMap<Uuid, Effect> {
        let own = self.due.iter();
        let own = own.map(|(id, it)| (changelog_id(*id), Effect::Deployment(it.clone())));
        let ranges = self.wanted.values();
        let ranges = ranges.map(|it| (it.id(), Effect::Range(it.clone())));
        own.chain(ranges).collect()
    }

    /// Deployments whose ids begin with a text.
    pub fn named<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = Uuid> + 'a {
        let all = self.deployments.keys().copied();
        all.filter(move |id| id.to_string().starts_with(prefix))
    }
}

impl Opened {
    fn ran(&self) -> Ran {
        Ran {
            version: self.version.clone(),
            commit: self.commit.clone(),
        }
    }
}

impl Wanted {
    /// The changelog of the range.
    pub fn id(&self) -> Uuid {
        range_id(&self.definition, self.from.as_ref(), &self.to)
    }
}

#[cfg(test)]
mod tests;
